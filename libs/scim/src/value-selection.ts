import type { ScimObject } from '#libs/contracts';
import type { AttributeDefinition } from './schema/attribute-definition.js';
import { scimProblem } from './errors.js';
import { matcherOf } from './filter/filter-matcher.js';
import type { PatchOperation } from './patch.js';

/**
 * The values of a multi-valued attribute that a PATCH operation targets: those that match the filter of its path, or
 * all without a filter.
 * @param values the values after the preceding operations
 * @throws Problem `validation` with `noTarget` if the filter of a replace matches none (RFC 7644, 3.5.2.3)
 */
export function selectValues<T extends ScimObject>(
  { op, path }: PatchOperation,
  values: readonly T[],
  subAttributes: readonly AttributeDefinition[],
): T[] {
  if (!path.filter) return [...values];
  const selected = values.filter(matcherOf(path.filter, subAttributes));
  if (op === 'replace' && selected.length === 0)
    throw scimProblem('noTarget', `The filter in the path matches no value of ${path.name}.`);
  return selected;
}
