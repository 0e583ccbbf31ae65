import { Problem, type ListQuery, type Page } from '#libs/contracts';

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Pages run newest first by id, because UUIDv7 sorts by time. Callers fetch one row more than `limit` to detect a next
 * page.
 */
export function pageWindow(query: ListQuery): { limit: number; before: string | null } {
  return { limit: query.limit ?? 50, before: query.cursor ? decodeCursor(query.cursor, ID) : null };
}

export function toPage<T extends { id: string }>(rowsAndOneMore: T[], query: ListQuery): Page<T> {
  const limit = query.limit ?? 50;
  const items = rowsAndOneMore.slice(0, limit);
  const more = rowsAndOneMore.length > limit;
  return { items, nextCursor: more ? encodeCursor(items.at(-1)!.id) : null };
}

/** The cursor of the page that begins after this position of a list. */
export const encodeCursor = (position: string): string => Buffer.from(position).toString('base64url');

/**
 * The position in a cursor of the client, which can be any text.
 * @param form what a position looks like to the statement that it goes into
 * @throws Problem `invalid-cursor` for a text that `encodeCursor` does not make of such a position
 */
export function decodeCursor(cursor: string, form: RegExp): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!form.test(position) || encodeCursor(position) !== cursor)
    throw new Problem('invalid-cursor', { detail: 'Use `nextCursor` of the previous page, unchanged.' });
  return position;
}
