import { expect, it } from '@jest/globals';
import { RESOURCE_TYPES } from './resource-types.js';
import { SCHEMAS } from './schemas.js';

it('every schema of a resource type is described', () => {
  const used = [...RESOURCE_TYPES.values()].flatMap(({ schema, schemaExtensions }) => [
    schema,
    ...schemaExtensions.map((extension) => extension.schema),
  ]);
  expect(used.sort()).toEqual([...SCHEMAS.keys()].sort());
});
