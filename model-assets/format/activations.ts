/** @module The MLP's activation functions, by their names in `GPT2Config` (the keys of transformers' `ACT2FN`). */

/** Without `swish`, which is `silu`, and without those that have parameters of their own. */
export const ACTIVATION_FUNCTIONS = [
  'gelu_new',
  'gelu_fast',
  'gelu_pytorch_tanh',
  'gelu_python_tanh',
  'gelu_accurate',
  'gelu',
  'gelu_python',
  'gelu_10',
  'quick_gelu',
  'relu',
  'relu2',
  'relu6',
  'leaky_relu',
  'silu',
  'hardswish',
  'mish',
  'sigmoid',
  'tanh',
  'laplace',
  'sqrtsoftplus',
  'linear',
] as const;

export type ActivationFunction = (typeof ACTIVATION_FUNCTIONS)[number];

/** Hendrycks and Gimpel's tanh form of GELU, which transformers implements five times. */
const TANH_GELU: ReadonlySet<ActivationFunction> = new Set([
  'gelu_new',
  'gelu_fast',
  'gelu_pytorch_tanh',
  'gelu_python_tanh',
  'gelu_accurate',
]);

interface Activated {
  readonly activation_function: ActivationFunction;
}

/** Whether a kernel computes the activation, at int8 and int4. */
export const isTanhGelu = ({ activation_function }: Activated): boolean => TANH_GELU.has(activation_function);

/** Of graphs with several nodes; `test/unit/model-assets/graphs/activations.test.ts` measures them. */
const INTERMEDIATES: Partial<Record<ActivationFunction, number>> = {
  gelu_10: 1,
  relu2: 1,
  hardswish: 1,
  mish: 1,
  laplace: 2,
  sqrtsoftplus: 5,
};

/** The most values that onnxruntime holds besides input and output, in multiples of the input's. */
export const activationIntermediates = ({ activation_function }: Activated): number =>
  INTERMEDIATES[activation_function] ?? 0;
