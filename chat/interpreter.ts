/**
 * @module Evaluates a template within a budget. `@huggingface/jinja` has no bounds, so whatever costs more than the
 * length of its operands is charged here before it runs; and it writes some values otherwise than jinja2 does.
 */
import { Environment, Interpreter } from '@huggingface/jinja';
import { type Budget, EXPRESSION_WORK } from './budget.ts';
import { chargeCall, MULTIPLYING } from './costs.ts';
import { blockText, leaveRound, type Round, roundText, withRounds } from './loops.ts';
import { type FormatValues, formatted, formatValues } from './percent-format.ts';
import { pythonEqual, pythonText, type StripMethod, stripped, type TemplateValue } from './python.ts';
import type { Output, Statement } from './statements.ts';
import { passes, TEST_FILTERS } from './test-filters.ts';
import { capitalized, found, joined, titled, titledWords } from './text-methods.ts';

type Node = Parameters<Interpreter['evaluate']>[0];
type Value = ReturnType<Interpreter['evaluate']>;
/** A function of a template. */
type Call = (args: Value[], scope: Environment) => Value;

/** A node that is a value already. */
interface Evaluated extends Statement {
  readonly type: 'Evaluated';
  readonly result: Value;
}

/** What a scope costs. */
const SCOPE_WORK = 4 * EXPRESSION_WORK;
const STRIP_METHODS: ReadonlySet<string> = new Set<StripMethod>(['strip', 'lstrip', 'rstrip']);

export class BoundedInterpreter extends Interpreter {
  readonly #budget: Budget;

  constructor(environment: Environment, budget: Budget) {
    super(environment);
    this.#budget = budget;
  }

  /** @throws ChatTemplateError beyond the budget; Error where the template has no value */
  override evaluate(node: Node, environment: Environment): Value {
    const value = this.#evaluate(node, environment);
    this.#budget.chargeExpression(value);
    return value;
  }

  #evaluate(node: Node, environment: Environment): Value {
    const statement = node as unknown as Statement | undefined;
    switch (statement?.type) {
      case 'Evaluated':
        return (statement as Evaluated).result;
      case 'Output':
        return this.#text(this.evaluate((statement as Output).expression as unknown as Node, environment));
      case 'BinaryExpression':
        return this.#binary(statement, environment);
      case 'FilterExpression':
        return this.#filter(statement, this.#part(statement.operand, environment), environment);
      case 'FilterStatement': {
        const body = this.#super({ type: 'Program', body: statement.body }, environment);
        return this.#filter({ ...statement, type: 'FilterExpression' }, body, environment);
      }
      case 'For':
        return this.#loop(statement, environment);
      case 'Round':
        return this.#string(roundText(statement as Round, environment, this.#write));
      case 'If':
        return this.#choice(statement, environment);
      case 'Break':
      case 'Continue':
        return leaveRound(statement);
      case 'MemberExpression':
        return this.#member(statement, environment);
      default:
        return super.evaluate(node, environment);
    }
  }

  #part(node: unknown, environment: Environment): Value {
    return this.evaluate(node as Node, environment);
  }

  #super(statement: Statement, environment: Environment): Value {
    return super.evaluate(statement as unknown as Node, environment);
  }

  /** A loop makes a scope for each element before the first round. */
  #loop(node: Statement, environment: Environment): Value {
    const selection = node.iterable as Statement;
    const isSelection = selection.type === 'SelectExpression';
    const list = this.#part(isSelection ? selection.lhs : selection, environment);
    const length = Array.isArray(list.value) ? list.value.length : 0;
    this.#budget.charge(length * SCOPE_WORK);
    const iterable = isSelection ? { ...selection, lhs: evaluated(list) } : evaluated(list);
    const { loop, state } = withRounds({ ...node, iterable });
    const rounds = this.#super(loop, environment);
    if (state.completed) return rounds;
    const otherwise = node.defaultBlock as readonly Statement[];
    return this.#string(stringOf(rounds) + blockText(otherwise, environment, this.#write));
  }

  #choice(node: Statement, environment: Environment): Value {
    const isTrue = this.#part(node.test, environment).__bool__().value;
    const body = (isTrue ? node.body : node.alternate) as readonly Statement[];
    return this.#string(blockText(body, environment, this.#write));
  }

  /** What a statement writes: only texts are left where expressions have become outputs. */
  readonly #write = (statement: Statement, environment: Environment): string => {
    const value = this.#part(statement, environment);
    return isString(value) ? stringOf(value) : '';
  };

  #text(value: Value): Value {
    return this.#string(pythonText(value as TemplateValue, (characters) => this.#budget.charge(characters)));
  }

  /** The filter `join(d, attribute)`, whose texts are Python's. The package has neither those nor the names. */
  #joined(items: readonly Value[], args: readonly Statement[]): Value {
    const named = namedOf(args);
    const [separator = named?.get('d'), attribute = named?.get('attribute')] = args
      .filter(({ type }) => type !== 'KeywordArgumentExpression')
      .map(resultOf);
    const name = attribute && stringOf(attribute);
    const texts = items.flatMap((item) => {
      const part = name === undefined ? item : attributeOf(item, name);
      return part ? stringOf(this.#text(part)) : '';
    });
    return this.#string(texts.join(separator ? stringOf(this.#text(separator)) : ''));
  }

  #string(value: string): Value {
    return this.#super({ type: 'StringLiteral', value }, this.global);
  }

  #integer(value: number): Value {
    return this.#super({ type: 'IntegerLiteral', value }, this.global);
  }

  #binary(node: Statement, environment: Environment): Value {
    const operator = (node.operator as { readonly value: string }).value;
    if (operator === 'and' || operator === 'or') return this.#super(node, environment);
    const left = this.#part(node.left, environment);
    const right = this.#part(node.right, environment);
    if (operator === '==' || operator === '!=') {
      const areEqual = pythonEqual(left, right, (work) => this.#budget.charge(work));
      return booleanOf(areEqual === (operator === '=='));
    }
    if (operator === '~') return this.#string(stringOf(this.#text(left)) + stringOf(this.#text(right)));
    const strings = [left, right].filter(isString).length;
    // Python has no such sum; the package writes the other value.
    if (operator === '+' && strings === 1) throw new TypeError(`cannot add ${left.type} and ${right.type}`);
    if (operator === '*' && strings === 1) return this.#repeated(left, right);
    if (operator === '%' && isString(left)) return this.#formatted(stringOf(left), formatValues(right));
    if (strings === 2 && operator.endsWith('in')) {
      this.#chargeSearch(stringOf(right), stringOf(left));
    }
    return this.#super({ ...node, left: evaluated(left), right: evaluated(right) }, environment);
  }

  /** A string times a number, in either order. */
  #repeated(left: Value, right: Value): Value {
    const [text, count] = isString(left) ? [left, right] : [right, left];
    if (count.type !== 'IntegerValue') throw new TypeError(`cannot repeat a text by ${count.type}`);
    const times = Math.max(0, Number(count.value));
    this.#budget.charge(stringOf(text).length * times);
    return this.#string(stringOf(text).repeat(times));
  }

  #formatted(text: string, values: FormatValues): Value {
    return this.#string(formatted(text, values, (characters) => this.#budget.charge(characters)));
  }

  #filter(node: Statement, operand: Value, environment: Environment): Value {
    const filter = node.filter as Statement;
    const isCall = filter.type === 'CallExpression';
    const name = String(isCall ? (filter.callee as Statement).value : filter.value);
    const nodes = isCall ? (filter.args as readonly Statement[]) : [];
    const isOurs = OUR_FILTERS.has(name);
    const args =
      isOurs || MULTIPLYING.has(name) ? nodes.map((arg) => this.#argument(arg, environment)) : nodes;
    const values = args.map(resultOf).filter((value) => value !== undefined);
    if (name === 'format' && isString(operand)) {
      const named = namedOf(args);
      return this.#formatted(stringOf(operand), { items: named ? [] : values, named, areAllUsed: true });
    }
    if (isOurs) return this.#ourFilter(name, operand, values) ?? this.#filtered(node, operand, environment);
    chargeCall(this.#budget, name, operand, values);
    if (name === 'join' && Array.isArray(operand.value)) return this.#joined(operand.value, args);
    return this.#filtered(isCall ? { ...node, filter: { ...filter, args } } : node, operand, environment);
  }

  #filtered(node: Statement, operand: Value, environment: Environment): Value {
    return this.#super({ ...node, operand: evaluated(operand) }, environment);
  }

  /** The argument with its value; one of a name keeps it. */
  #argument(node: Statement, environment: Environment): Statement {
    const isNamed = node.type === 'KeywordArgumentExpression';
    if (!isNamed && node.type.endsWith('SpreadExpression')) {
      throw new TypeError('a filter takes no unpacked arguments here');
    }
    const value = evaluated(this.#part(isNamed ? node.value : node, environment));
    return isNamed ? { ...node, value } : value;
  }

  /** Filters whose results in the package differ from jinja2's. @returns undefined where they do not */
  #ourFilter(name: string, operand: Value, [first]: readonly Value[]): Value | undefined {
    if (name === 'string') return this.#text(operand);
    if (TEST_FILTERS.has(name)) return booleanOf(passes(name, operand.value, first?.value));
    if (!isString(operand)) return undefined;
    const text = stringOf(operand);
    if (name === 'trim') return this.#string(stripped(text, 'strip', first && stringOf(first)));
    if (name === 'capitalize') return this.#string(capitalized(text));
    if (name === 'title') return this.#string(titledWords(text));
    return this.#integer([...text].length);
  }

  #member(node: Statement, environment: Environment): Value {
    const object = this.#part(node.object, environment);
    const isSlice = (node.property as Statement).type === 'SliceExpression';
    const property = node.computed && !isSlice ? this.#part(node.property, environment) : undefined;
    if (isString(object) && property?.type === 'IntegerValue') return this.#character(object, property);
    const name = isSlice ? '' : String((property ?? (node.property as Statement)).value);
    // A method that the package lacks takes the place of another one.
    const isMissing = isString(object) && MISSING_METHODS.has(name);
    const read = isMissing ? this.#string('upper') : property;
    const value = this.#super(
      {
        ...node,
        computed: node.computed || isMissing,
        object: evaluated(object),
        property: read ? evaluated(read) : node.property,
      },
      environment,
    );
    if (value.type !== 'FunctionValue') return value;
    const method = value.value as Call;
    return functionLike(value, (args, scope) => {
      const ours = isString(object) ? this.#textMethod(name, object, args) : undefined;
      if (ours) return ours;
      chargeCall(this.#budget, name, object, args);
      return method(args, scope);
    });
  }

  /** A text's character at a place: the package counts UTF-16 code units. */
  #character(text: Value, { value: place }: Value): Value {
    const found = [...stringOf(text)].at(Number(place));
    return found === undefined
      ? this.#super({ type: 'Identifier', value: '' }, this.global)
      : this.#string(found);
  }

  /** Methods of texts that the package has otherwise, or not. @returns undefined for others */
  #textMethod(name: string, object: Value, args: readonly Value[]): Value | undefined {
    const text = stringOf(object);
    const [first] = args;
    if (STRIP_METHODS.has(name)) {
      const characters = first && first.type !== 'NullValue' ? stringOf(first) : undefined;
      return this.#string(stripped(text, name as StripMethod, characters));
    }
    if (name === 'capitalize') return this.#string(capitalized(text));
    if (name === 'title') return this.#string(titled(text));
    if (name === 'join') {
      chargeCall(this.#budget, name, object, args);
      return this.#string(joined(text, first));
    }
    if (name !== 'find') return undefined;
    return this.#integer(found(text, args, (part) => this.#chargeSearch(text, part)));
  }

  #chargeSearch(text: string, part: string): void {
    this.#budget.charge((text.length * part.length) / 1024);
  }
}

/** Filters of ours: see `#ourFilter`. */
const OUR_FILTERS: ReadonlySet<string> = new Set([
  ...TEST_FILTERS,
  'string',
  'trim',
  'capitalize',
  'title',
  'length',
  'format',
]);

const MISSING_METHODS: ReadonlySet<string> = new Set(['find', 'join']);

const evaluated = (result: Value): Evaluated => ({ type: 'Evaluated', result });

/** The value of an evaluated argument. */
function resultOf(node: Statement): Value | undefined {
  const inner = (node.type === 'KeywordArgumentExpression' ? node.value : node) as Statement;
  return inner.type === 'Evaluated' ? (inner as Evaluated).result : undefined;
}

/** The values of arguments with names; undefined if there are none. */
function namedOf(args: readonly Statement[]): ReadonlyMap<string, Value> | undefined {
  const named = args.filter(({ type }) => type === 'KeywordArgumentExpression');
  if (named.length === 0) return undefined;
  return new Map(named.map((arg) => [String((arg.key as Statement).value), resultOf(arg) as Value]));
}

/** Another function of the class of the package's, which it does not export. */
function functionLike(value: Value, call: Call): Value {
  const FunctionValue = value.constructor as new (call: Call) => Value;
  return new FunctionValue(call);
}

/** An entry of a mapping; `a.b` is one within another. */
function attributeOf(value: Value, path: string): Value | undefined {
  return path
    .split('.')
    .reduce<Value | undefined>(
      (inner, name) =>
        inner?.value instanceof Map ? (inner.value.get(name) as Value | undefined) : undefined,
      value,
    );
}

const booleanOf = (value: boolean): Value => new Environment().set('value', value);
const isString = (value: Value): boolean => value.type === 'StringValue';
const stringOf = (value: Value): string => String(value.value);
