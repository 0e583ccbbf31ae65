/** @import { Page } from '#libs/contracts' */
/** @import { HttpClient } from './http-client.mjs' */
import { usageError } from './exit-codes.mjs';

/** The options of every list. */
export const listOptions = /** @type {const} */ ({ sort: { type: 'string' }, limit: { type: 'string' } });

const DEFAULT_LIMIT = 50;
/** The most items of one page of the API. */
const PAGE_SIZE = 200;

/**
 * The query of a request.
 * @param {Record<string, string | boolean | undefined>} filters those that are undefined are left out
 */
export function queryOf(filters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, String(value));
  return query;
}

/**
 * Reads a list page by page, up to --limit items. The other members of the list are those of its last page.
 * @template {Page<any>} P any: the caller names the type
 * @param {HttpClient} api
 * @param {string} path
 * @param {Record<string, string | boolean | undefined>} filters those that are undefined are left out
 * @param {{ sort?: string, limit?: string }} options
 * @returns {Promise<P>}
 */
export async function fetchList(api, path, filters, { sort, limit = String(DEFAULT_LIMIT) }) {
  if (!/^[1-9]\d{0,5}$/.test(limit)) throw usageError('--limit is a number from 1 to 999999.');
  const wanted = Number(limit);
  const query = queryOf({ ...filters, sort });
  /** @type {P['items']} */
  const items = [];
  /** @type {P | undefined} */
  let list;
  do {
    query.set('limit', String(Math.min(PAGE_SIZE, wanted - items.length)));
    /** @type {P} */
    const page = await api.get(`${path}?${query}`);
    items.push(...page.items);
    list = { ...list, ...page, items };
    if (page.nextCursor !== null) query.set('cursor', page.nextCursor);
  } while (list.nextCursor !== null && items.length < wanted);
  return list;
}
