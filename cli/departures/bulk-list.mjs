import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { usageError } from '../exit-codes.mjs';

/**
 * A list of leavers: the CSV as it is sent, and the staff id of each row.
 * @typedef {{ csv: string, staffIds: (string | undefined)[] }} BulkList
 */

/**
 * Reads a CSV file, or standard input for `-`. Rows are counted as the server counts them; it also checks the columns.
 * @param {string} path
 * @returns {Promise<BulkList>}
 */
export async function readBulkList(path) {
  const csv = await (path === '-' ? text(process.stdin) : readFile(path, 'utf8')).catch((error) => {
    throw usageError(error.message);
  });
  const staffIds = recordsIn(csv, path).map(({ staffid }) => staffid);
  if (staffIds.length === 0) throw usageError(`${nameOf(path)} has no rows below its header.`);
  return { csv, staffIds };
}

/**
 * @param {string} csv
 * @param {string} path
 * @returns {Record<string, string>[]} by column, in lower case and without spaces, `_` and `-`
 */
function recordsIn(csv, path) {
  /** @param {string[]} heading */
  const columns = (heading) => heading.map((name) => name.toLowerCase().replace(/[\s_-]/g, ''));
  try {
    return parse(csv, { bom: true, columns, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw usageError(`${nameOf(path)} is not valid CSV: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} path */
const nameOf = (path) => (path === '-' ? 'Standard input' : path);
