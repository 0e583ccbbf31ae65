import { cutText, type ScimSearch } from '#libs/contracts';
import {
  attributeKey,
  invalidFilter,
  parentKey,
  parseAttributePath,
  parseFilter,
  scimProblem,
  type AttributePath,
  type ComparisonOperator,
  type Filter,
  type FilterValue,
} from '#libs/scim';
import { sql, type RawBuilder } from 'kysely';

export type Condition = RawBuilder<boolean>;

/** An attribute with at most one value. */
export interface SqlAttribute {
  isPresent: Condition;
  sortKey: RawBuilder<unknown>;
  /** @throws Problem `validation` with `invalidFilter` for an operator or a value that the attribute does not allow */
  compare: (operator: ComparisonOperator, value: FilterValue) => Condition;
}

/** A multi-valued attribute. */
export interface SqlValues {
  /** Whether at least one value meets a condition on its sub-attributes. */
  some: (condition: Condition) => Condition;
  subAttributes: ReadonlyMap<string, SqlAttribute>;
  /** Whether there is exactly one value, so that lists can be sorted by it. */
  single: boolean;
}

/** By `attributeKey`. */
export type SqlAttributes = ReadonlyMap<string, SqlAttribute | SqlValues>;

type Test = Filter & { kind: 'present' | 'comparison' };

/**
 * The condition of a filter (RFC 7644, 3.4.2.2).
 * @throws Problem `validation` with `invalidFilter`, also for an attribute that is not in the map
 */
export const conditionOf = (filter: string, attributes: SqlAttributes): Condition =>
  compile(parseFilter(filter), attributes);

/**
 * The order of a list (RFC 7644, 3.4.2.3): by id unless `sortBy` is given. Unassigned attributes come last, in
 * descending order first.
 * @throws Problem `validation` with `invalidPath` for an attribute that is not in the map, or has several values
 */
export function orderOf({ sortBy, descending }: ScimSearch, attributes: SqlAttributes): RawBuilder<unknown> {
  const path = parseAttributePath(sortBy ?? 'id');
  const { attribute, values } = (path && resolve(path, attributes)) ?? {};
  if (!attribute || values?.single === false)
    throw scimProblem('invalidPath', 'Sorting by this attribute is not supported.');
  const direction = descending && sortBy !== undefined ? sql`desc nulls first` : sql`asc nulls last`;
  return sql`${attribute.sortKey} ${direction}`;
}

function compile(filter: Filter, attributes: SqlAttributes): Condition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return sql<boolean>`(${sql.join(
        filter.filters.map((one) => compile(one, attributes)),
        filter.kind === 'and' ? sql` and ` : sql` or `,
      )})`;
    case 'not':
      // A comparison with an unassigned attribute is null in SQL and false in SCIM.
      return sql<boolean>`(not coalesce(${compile(filter.filter, attributes)}, false))`;
    case 'valuePath': {
      const values = attributes.get(attributeKey(filter.path));
      if (!values || !('some' in values)) throw unknownAttribute(filter.path);
      return values.some(compile(filter.filter, values.subAttributes));
    }
    case 'present':
    case 'comparison': {
      const resolved = resolve(filter.path, attributes);
      if (!resolved) throw unknownAttribute(filter.path);
      return test(filter, resolved);
    }
  }
}

interface Resolved {
  attribute: SqlAttribute;
  /** The multi-valued attribute to which the attribute belongs. */
  values?: SqlValues;
}

/** The default sub-attribute of a multi-valued attribute is `value` (RFC 7643, 2.4). */
function resolve(path: AttributePath, attributes: SqlAttributes): Resolved | undefined {
  const { subAttribute = 'value' } = path;
  const values = attributes.get(parentKey(path));
  if (values && 'some' in values) {
    const attribute = values.subAttributes.get(subAttribute);
    return attribute && { attribute, values };
  }
  const attribute = attributes.get(attributeKey(path));
  return attribute && !('some' in attribute) ? { attribute } : undefined;
}

function test(filter: Test, { attribute, values }: Resolved): Condition {
  const condition = filter.kind === 'present' ? attribute.isPresent : attribute.compare(filter.operator, filter.value);
  if (!values) return condition;
  const matches = values.some(condition);
  return matchesNull(filter) ? sql<boolean>`(${matches} or not ${values.some(attribute.isPresent)})` : matches;
}

/** An attribute without values compares like null (RFC 7643, 2.5). */
const matchesNull = (filter: Test): boolean =>
  filter.kind === 'comparison' && (filter.value === null ? filter.operator === 'eq' : filter.operator === 'ne');

const unknownAttribute = (path: AttributePath) =>
  invalidFilter(`Filtering by ${cutText(attributeKey(path), 100)} is not supported.`);
