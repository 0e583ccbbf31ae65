import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { usageError } from '../exit-codes.mjs';

/**
 * A list of leavers: the CSV as it is sent, and the staff id of each row.
 * @typedef {{ csv: string, staffIds: (string | undefined)[] }} BulkList
 */

/**
 * Reads a CSV file, or standard input for `-`. Rows are counted as the server counts them; it also checks them.
 * @param {string} path
 * @returns {Promise<BulkList>}
 */
export async function readBulkList(path) {
  const bytes = await (path === '-' ? buffer(process.stdin) : readFile(path)).catch((error) => {
    throw usageError(error.message);
  });
  if (!isUtf8(bytes)) throw usageError(`${nameOf(path)} is not text in UTF-8.`);
  const csv = bytes.toString('utf8');
  const [heading = [], ...rows] = recordsIn(csv, path);
  if (rows.length === 0) throw usageError(`${nameOf(path)} has no rows below its header.`);
  const column = heading.map(plainTitle).indexOf('staffid');
  return { csv, staffIds: rows.map((fields) => fields[column]?.trim()) };
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
