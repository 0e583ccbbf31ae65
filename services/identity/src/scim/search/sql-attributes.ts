import {
  booleanOperand,
  dateTimeOperand,
  invalidFilter,
  stringOperand,
  type ComparisonOperator,
  type FilterValue,
} from '#libs/scim';
import { sql, type RawBuilder } from 'kysely';
import type { Condition, SqlAttribute } from './sql-filter.js';

type Expression = RawBuilder<unknown>;

const ORDER: Partial<Record<ComparisonOperator, RawBuilder<unknown>>> = {
  gt: sql`>`,
  ge: sql`>=`,
  lt: sql`<`,
  le: sql`<=`,
};
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A string with `caseExact` false. Uses an index on `fold_case` of the same expression. */
export const caseInsensitive = (expression: Expression): SqlAttribute =>
  text(sql`fold_case(${expression})`, (value) => sql`fold_case(${value}::text)`);

/** A string with `caseExact` true. */
export const caseExact = (expression: Expression): SqlAttribute =>
  text(sql`(${expression})::text`, (value) => sql`${value}::text`);

function text(left: Expression, fold: (value: string) => Expression): SqlAttribute {
  return nullable(left, (operator, value) => {
    const right = fold(storable(stringOperand(value)));
    const order = ORDER[operator];
    if (order) return sql<boolean>`${left} collate "C" ${order} ${right}`;
    if (operator === 'eq') return sql<boolean>`${left} = ${right}`;
    if (operator === 'ne') return sql<boolean>`${left} is distinct from ${right}`;
    if (operator === 'co') return sql<boolean>`strpos(${left}, ${right}) > 0`;
    if (operator === 'sw') return sql<boolean>`starts_with(${left}, ${right})`;
    return sql<boolean>`right(${left}, length(${right})) = ${right}`;
  });
}

/** PostgreSQL supports neither U+0000 nor unpaired surrogates, and refuses both as parameters. */
function storable(value: string): string {
  if (value.includes('\u0000') || !value.isWellFormed())
    throw invalidFilter('A string contains U+0000 or an unpaired surrogate.');
  return value;
}

/** The expression must not be null. */
export const boolean = (expression: Expression): SqlAttribute =>
  nullable(expression, (operator, value) =>
    booleanOperand(operator, value) === (operator === 'eq')
      ? sql<boolean>`(${expression})`
      : sql<boolean>`(not (${expression}))`,
  );

/** Compares milliseconds, the precision that resources show. */
export const dateTime = (expression: Expression): SqlAttribute =>
  nullable(expression, (operator, value) => {
    const time = dateTimeOperand(operator, value).toISOString();
    const comparison = { ...ORDER, eq: sql`=`, ne: sql`is distinct from` }[operator as 'eq'];
    return sql<boolean>`date_trunc('milliseconds', ${expression}) ${comparison} ${time}::timestamptz`;
  });

/** An id of this system. `eq` and `ne` ignore case. */
export function uuid(expression: Expression): SqlAttribute {
  const text = caseExact(expression);
  return nullable(expression, (operator, value) => {
    if (operator !== 'eq' && operator !== 'ne') return text.compare(operator, value);
    const isUuid = UUID.test(stringOperand(value));
    if (operator === 'eq') return isUuid ? sql<boolean>`${expression} = ${value}::uuid` : sql<boolean>`false`;
    return isUuid ? sql<boolean>`${expression} is distinct from ${value}::uuid` : sql<boolean>`true`;
  });
}

function nullable(
  expression: Expression,
  compare: (operator: ComparisonOperator, value: FilterValue) => Condition,
): SqlAttribute {
  const isPresent = sql<boolean>`(${expression}) is not null`;
  return {
    isPresent,
    sortKey: expression,
    compare: (operator, value) => {
      if (value === null && operator === 'eq') return sql<boolean>`(${expression}) is null`;
      if (value === null && operator === 'ne') return isPresent;
      return compare(operator, value);
    },
  };
}
