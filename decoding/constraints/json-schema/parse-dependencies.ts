/** @module Keywords that ask for something if a key is there. */
import { withMember } from './complement.ts';
import type { Location } from './document.ts';
import { checkNames, join, readObject, type SchemaObject } from './keywords.ts';
import { ANY_OBJECT, ANYTHING, IMPOSSIBLE } from './node.ts';
import type { Parsing } from './parsing.ts';
import type { ObjectShape, ValueNode } from './values.ts';

export function dependenciesOf(schema: SchemaObject, location: Location, parsing: Parsing): ValueNode[] {
  return ['dependencies', 'dependentRequired', 'dependentSchemas'].flatMap((keyword) =>
    Object.entries(readObject(schema, keyword, location.place) ?? {}).flatMap(([key, needed]) => {
      const place = join(location.place, keyword);
      if (Array.isArray(needed)) {
        const required = new Set(checkNames(needed, key, place));
        required.delete(key);
        if (required.size === 0) return [];
        return [objects(parsing, place, [withMember(key, IMPOSSIBLE), { ...ANY_OBJECT, required }])];
      }
      const node = parsing.child(location, needed, keyword, key);
      if (node === ANYTHING) return [];
      const absent = objects(parsing, place, [withMember(key, IMPOSSIBLE)]);
      const there = objects(parsing, place, [{ ...ANY_OBJECT, required: new Set([key]) }]);
      const { nodes } = parsing;
      return [nodes.or([absent, nodes.and([there, node])])];
    }),
  );
}

/** Everything that is no object, and the objects of these shapes. */
function objects({ nodes }: Parsing, place: string, shapes: readonly ObjectShape[]): ValueNode {
  return nodes.create(place, () => ({ ...ANYTHING.values, objects: shapes }));
}
