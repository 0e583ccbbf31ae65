import { Problem, type ListQuery, type Page } from '#libs/contracts';

/**
 * Pages run newest first by id, because UUIDv7 sorts by time. Callers fetch one row more than `limit` to detect a next
 * page.
 */
export function pageWindow(query: ListQuery): { limit: number; before: string | null } {
  return { limit: query.limit ?? 50, before: query.cursor ? decode(query.cursor) : null };
}

export function toPage<T extends { id: string }>(rowsAndOneMore: T[], query: ListQuery): Page<T> {
  const limit = query.limit ?? 50;
  const items = rowsAndOneMore.slice(0, limit);
  const more = rowsAndOneMore.length > limit;
  return { items, nextCursor: more ? Buffer.from(items.at(-1)!.id).toString('base64url') : null };
}

function decode(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[0-9a-f-]{36}$/.test(id))
    throw new Problem('invalid-cursor', { detail: 'Use `nextCursor` of the previous page, unchanged.' });
  return id;
}
