/** @import { BulkRequest, LeavingTransition, StartedBulk, TellContacts } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { usageError } from '../exit-codes.mjs';

/**
 * A list of leavers as it is sent: CSV, or the fields of a request. `staffIds` names each row for people: by its staff id, or by
 * its user id in JSON.
 * @typedef {{ csv: string, staffIds: (string | undefined)[] } | { request: Partial<BulkRequest>, staffIds: string[] }} BulkList
 */

/**
 * Reads a file in CSV or JSON, or standard input for `-`. Rows are counted as the server counts them; it also checks them.
 * @param {string} path
 * @returns {Promise<BulkList>}
 */
export async function readBulkList(path) {
  const bytes = await (path === '-' ? buffer(process.stdin) : readFile(path)).catch((error) => {
    throw usageError(error.message);
  });
  if (!isUtf8(bytes)) throw usageError(`${nameOf(path)} is not text in UTF-8.`);
  const text = bytes.toString('utf8');
  if (/^\uFEFF?\s*{/.test(text)) return readRequest(text, path);
  const [heading = [], ...rows] = recordsIn(text, path);
  if (rows.length === 0) throw usageError(`${nameOf(path)} has no rows below its header.`);
  const column = heading.map(plainTitle).indexOf('staffid');
  return { csv: text, staffIds: rows.map((fields) => fields[column]?.trim()) };
}

/**
 * Sends a list to be carried out or, with `dryRun`, to be counted.
 * @param {HttpClient} api
 * @param {BulkList} list
 * @param {{ transition: LeavingTransition, tellContacts?: TellContacts, planToken?: string, dryRun?: true }} options
 * @returns {Promise<StartedBulk>}
 */
export function sendBulkList(api, list, { transition, tellContacts, planToken, dryRun }) {
  const path = '/v1/departures/bulk';
  if ('csv' in list && !tellContacts) {
    const query = { transition, ...(dryRun && { dryRun: 'true' }), ...(planToken !== undefined && { planToken }) };
    return api.upload(`${path}?${new URLSearchParams(query)}`, list.csv);
  }
  const request = 'csv' in list ? { csv: list.csv } : list.request;
  const chosen = { transition, ...(tellContacts && { tellContacts }), planToken };
  return api.post(dryRun ? `${path}?dryRun=true` : path, { ...request, ...chosen });
}

/**
 * @param {string} text
 * @param {string} path
 * @returns {BulkList}
 */
function readRequest(text, path) {
  /** @type {Partial<BulkRequest>} */
  let request;
  try {
    request = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw usageError(`${nameOf(path)} is not valid JSON: ${/** @type {Error} */ (error).message}`);
  }
  const { users } = request;
  if (!Array.isArray(users) || users.length === 0)
    throw usageError(`${nameOf(path)} needs users, as POST /v1/departures/bulk does.`);
  return { request, staffIds: users.map(({ userId }) => userId) };
}

/**
 * The same rows as libs/csv finds, which the command line cannot import: it runs without a build.
 * @param {string} csv
 * @param {string} path
 * @returns {string[][]}
 */
function recordsIn(csv, path) {
  const options = { bom: true, relax_column_count: true, skip_empty_lines: true, trim: true };
  try {
    return parse(csv, { ...options, record_delimiter: ['\r\n', '\n', '\r'] });
  } catch (error) {
    throw usageError(`${nameOf(path)} is not valid CSV: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} title */
const plainTitle = (title) =>
  title
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_-]/g, '');

/** @param {string} path */
const nameOf = (path) => (path === '-' ? 'Standard input' : path);
