import { parse, type Filter } from 'scim2-parse-filter';
import { sql, type RawBuilder } from 'kysely';
import { scimProblem } from './faults.js';

type Condition = RawBuilder<boolean>;
type Value = string | number | boolean | null;
export type Operator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le' | 'pr';

/** How conditions about an attribute become SQL. Each throws for what the attribute can't be asked. */
export type Attribute = (op: Operator, value: Value) => Condition;
/** By path in lower case, without the schema where it is the core one. */
export type Attributes = ReadonlyMap<string, Attribute>;

const LONGEST = 4_000;
const MOST_CONDITIONS = 100;
const CORE = /^urn:ietf:params:scim:schemas:core:2\.0:(user|group):/;

/**
 * SQL for a filter of RFC 7644 (3.4.2.2).
 * @throws Problem `validation` with `invalidFilter` for whatever is not understood, down to the last condition
 */
export function whereOf(text: string, attributes: Attributes): Condition {
  if (text.length > LONGEST) throw notUnderstood('It is too long.');
  const parsed = parsedFilter(text);
  if (count(parsed) > MOST_CONDITIONS) throw notUnderstood(`It has more than ${MOST_CONDITIONS} conditions.`);
  return compile(parsed, attributes);
}

export const notUnderstood = (detail: string) =>
  scimProblem('invalidFilter', `The filter is not understood. ${detail}`);

function parsedFilter(text: string): Filter {
  try {
    return parse(text);
  } catch {
    throw notUnderstood('It is not written as RFC 7644 says.');
  }
}

function count(filter: Filter): number {
  if ('filters' in filter) return filter.filters.reduce((sum, one) => sum + count(one), 1);
  if (filter.op === 'not') return 1 + count(filter.filter);
  return filter.op === '[]' ? 1 + count(filter.valFilter) : 1;
}

/** @param within the attribute in whose brackets the filter stands */
function compile(filter: Filter, attributes: Attributes, within?: string): Condition {
  switch (filter.op) {
    case 'and':
    case 'or':
      return sql<boolean>`(${sql.join(
        filter.filters.map((one) => compile(one, attributes, within)),
        filter.op === 'and' ? sql` and ` : sql` or `,
      )})`;
    case 'not':
      // What an absent attribute says nothing about is not so.
      return sql<boolean>`(not coalesce(${compile(filter.filter, attributes, within)}, false))`;
    case '[]':
      if (within !== undefined) throw notUnderstood('Brackets stand in brackets.');
      // Each attribute that is found by has one value at most, so the conditions are all about the same one.
      return compile(filter.valFilter, attributes, filter.attrPath);
  }
  const name = within === undefined ? filter.attrPath : `${within}.${filter.attrPath}`;
  const attribute = attributes.get(name.toLowerCase().replace(CORE, ''));
  if (!attribute) throw notUnderstood(`Nobody can be found by ${name.slice(0, 100)}.`);
  return attribute(filter.op, 'compValue' in filter ? filter.compValue : null);
}
