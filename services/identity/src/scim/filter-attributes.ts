import { sql, type RawBuilder } from 'kysely';
import { notUnderstood, type Attribute, type Operator } from './filter.js';

type Expression = RawBuilder<unknown>;

const COMPARISONS: Partial<Record<Operator, RawBuilder<unknown>>> = {
  gt: sql`>`,
  ge: sql`>=`,
  lt: sql`<`,
  le: sql`<=`,
};
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Text in which capitals don't matter. Found by an index on `lower` of the same expression. */
export const words = (expression: Expression): Attribute =>
  textual(sql`lower(${expression})`, (text) => sql`lower(${text}::text)`);

/** Text taken to the letter. */
export const exact = (expression: Expression): Attribute =>
  textual(sql`(${expression})::text`, (text) => sql`${text}::text`);

function textual(left: Expression, fold: (text: string) => Expression): Attribute {
  return (op, value) => {
    const absent = absence(op, value, left);
    if (absent) return absent;
    if (typeof value !== 'string') throw notUnderstood('A text is compared with something else.');
    const right = fold(value);
    const comparison = COMPARISONS[op];
    if (comparison) return sql<boolean>`${left} collate "C" ${comparison} ${right}`;
    if (op === 'eq') return sql<boolean>`${left} = ${right}`;
    if (op === 'ne') return sql<boolean>`${left} is distinct from ${right}`;
    if (op === 'co') return sql<boolean>`strpos(${left}, ${right}) > 0`;
    if (op === 'sw') return sql<boolean>`starts_with(${left}, ${right})`;
    return sql<boolean>`right(${left}, length(${right})) = ${right}`;
  };
}

/** True or false; some clients write it as text. */
export const flag =
  (expression: Expression): Attribute =>
  (op, value) => {
    if (op === 'pr') return sql<boolean>`true`;
    const text = String(value).toLowerCase();
    if ((op !== 'eq' && op !== 'ne') || (text !== 'true' && text !== 'false'))
      throw notUnderstood('What is true or false can be asked by eq and ne only.');
    return (text === 'true') === (op === 'eq') ? sql<boolean>`(${expression})` : sql<boolean>`(not (${expression}))`;
  };

export const moment =
  (expression: Expression): Attribute =>
  (op, value) => {
    if (op === 'pr') return sql<boolean>`true`;
    const time = typeof value === 'string' && MOMENT.test(value) ? Date.parse(value) : NaN;
    const comparison = { ...COMPARISONS, eq: sql`=`, ne: sql`<>` }[op as 'eq'];
    if (Number.isNaN(time) || !comparison) throw notUnderstood('A time is written like 2030-01-31T12:00:00Z.');
    // Shown to the millisecond, so compared so.
    return sql<boolean>`date_trunc('milliseconds', ${expression}) ${comparison} ${new Date(time).toISOString()}::timestamptz`;
  };

/** An id of ours. */
export const identifier =
  (expression: Expression): Attribute =>
  (op, value) => {
    if (op !== 'eq') return exact(expression)(op, value);
    return typeof value === 'string' && UUID.test(value)
      ? sql<boolean>`${expression} = ${value}::uuid`
      : sql<boolean>`false`;
  };

/** `pr` and comparisons with null; undefined for anything else. */
function absence(op: Operator, value: unknown, expression: Expression) {
  if (op === 'pr' || (op === 'ne' && value === null)) return sql<boolean>`${expression} is not null`;
  return op === 'eq' && value === null ? sql<boolean>`${expression} is null` : undefined;
}
