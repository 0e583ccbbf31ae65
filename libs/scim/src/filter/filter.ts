import type { Problem } from '#libs/contracts';
import type { AttributePath } from '../attribute-path.js';
import { scimProblem } from '../errors.js';

export type ComparisonOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';
export type FilterValue = string | number | boolean | null;

/** A filter as a tree (RFC 7644, 3.4.2.2). */
export type Filter =
  | { kind: 'and' | 'or'; filters: Filter[] }
  | { kind: 'not'; filter: Filter }
  | { kind: 'present'; path: AttributePath }
  | { kind: 'comparison'; path: AttributePath; operator: ComparisonOperator; value: FilterValue }
  /** One value of the attribute matches the whole inner filter, whose paths are names of sub-attributes. */
  | { kind: 'valuePath'; path: AttributePath; filter: Filter };

export const invalidFilter = (detail: string): Problem =>
  scimProblem('invalidFilter', `The filter is not valid. ${detail}`);
