/** @module The parts of OpenAPI 3.1 that the document uses. */
import type { z } from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface Reference {
  readonly $ref: `#/components/schemas/${string}`;
}

export type Content = Readonly<
  Record<string, { readonly schema: Reference | JsonSchema | { readonly anyOf: readonly Reference[] } }>
>;

export interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly object[];
  readonly requestBody?: {
    readonly required: true;
    readonly content: {
      readonly 'application/json': { readonly schema: Reference; readonly example: object };
    };
  };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly headers: object; readonly content: Content }>
  >;
  readonly security?: readonly [];
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> } & Record<string, object>;
  readonly security: readonly object[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}
