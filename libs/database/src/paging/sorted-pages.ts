import { Problem, type ListQuery, type Page } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { decodeCursor, encodeCursor } from './paging.js';

/** What a list is sorted by. The expression must not be null. */
export interface SortPart {
  kind: keyof typeof KINDS;
  of: RawBuilder<unknown>;
}

/** The order of a list. The id comes last, so that rows with equal parts have a place of their own. */
export interface Sorting {
  parts: readonly SortPart[];
  id: RawBuilder<unknown>;
  descending?: boolean;
}

interface SortedWindow {
  limit: number;
  /** For the rows of this page and later ones. */
  after: RawBuilder<unknown>;
  order: RawBuilder<unknown>;
  /** Select it as `position`: the place of the row in the order. */
  position: RawBuilder<unknown>;
}

type Value = string | number | boolean;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Up to the year 2286, in microseconds since 1970. */
const MAX_MOMENT = 9_999_999_999_999_999;

/** How the value of a part is written into a cursor, and read from one that the client may have made up. */
const KINDS = {
  text: {
    write: (of: RawBuilder<unknown>) => sql`(${of})::text`,
    read: (value: Value) => sql`${value}::text`,
    isValid: (value: unknown) => typeof value === 'string' && !value.includes('\u0000') && value.isWellFormed(),
  },
  flag: {
    write: (of: RawBuilder<unknown>) => sql`(${of})`,
    read: (value: Value) => sql`${value}::boolean`,
    isValid: (value: unknown) => typeof value === 'boolean',
  },
  moment: {
    write: (of: RawBuilder<unknown>) => sql`(extract(epoch from ${of}) * 1000000)::bigint`,
    read: (value: Value) => sql`(timestamptz 'epoch' + ${value}::bigint * interval '1 microsecond')`,
    isValid: (value: unknown) =>
      Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_MOMENT,
  },
} as const;

/**
 * The SQL for one page of a sorted list. Fetch one row more than `limit`, and make the page with `toSortedPage`. A cursor
 * holds the place where the page before ended, so rows that change meanwhile shift no others. With the longest texts that
 * lists are sorted by, 75 characters, it is shorter than the 500 characters that a request may send.
 * @throws Problem `invalid-cursor`, also for a cursor of the list in another order
 */
export function sortedWindow({ limit = 50, cursor }: ListQuery, { parts, id, descending }: Sorting): SortedWindow {
  const all = [...parts.map(({ of }) => of), id];
  const direction = descending ? sql`desc` : sql`asc`;
  return {
    limit,
    after: cursor === undefined ? sql`true` : after(cursor, parts, { all, descending }),
    order: sql.join(all.map((of) => sql`${of} ${direction}`)),
    position: sql`jsonb_build_array(${sql.join([id, ...parts.map(({ kind, of }) => KINDS[kind].write(of))])})::text`,
  };
}

export function toSortedPage<Row extends { position: string }, Item>(
  rowsAndOneMore: readonly Row[],
  { limit = 50 }: ListQuery,
  items: readonly Item[],
): Page<Item> {
  const more = rowsAndOneMore.length > limit;
  return {
    items: items.slice(0, limit),
    nextCursor: more ? encodeCursor(rowsAndOneMore[limit - 1]!.position) : null,
  };
}

function after(
  cursor: string,
  parts: readonly SortPart[],
  { all, descending }: { all: readonly RawBuilder<unknown>[]; descending?: boolean },
): RawBuilder<unknown> {
  const [id, ...values] = positionIn(cursor);
  const isValid =
    typeof id === 'string' &&
    UUID.test(id) &&
    values.length === parts.length &&
    parts.every(({ kind }, at) => KINDS[kind].isValid(values[at]));
  if (!isValid) throw invalidCursor();
  const given = parts.map(({ kind }, at) => KINDS[kind].read(values[at] as Value));
  const than = descending ? sql`<` : sql`>`;
  return sql`(${sql.join(all)}) ${than} (${sql.join([...given, sql`${id}::uuid`])})`;
}

function positionIn(cursor: string): unknown[] {
  const text = decodeCursor(cursor, /^\[.*\]$/s);
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    throw invalidCursor();
  }
}

const invalidCursor = () =>
  new Problem('invalid-cursor', { detail: 'Use `nextCursor` of the previous page, unchanged, with the same `sort`.' });
