/** @typedef {import('./sources.mjs').Source} Source */

const STORE = 'services/identity/src/departures/store/';
const MIGRATIONS = 'services/identity/src/migrations/';
const WRITES = /\b(?:insert\s+into|update|delete\s+from)\s+(departure(?:_service|_event|_news)?)\b/gi;

/**
 * SQL in product code that writes the tables of departures outside of their store.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function strayDepartureWriters(sources) {
  return sources
    .filter(({ path, isTest }) => !isTest && path.startsWith('services/'))
    .filter(({ path }) => !path.startsWith(STORE) && !path.startsWith(MIGRATIONS))
    .flatMap(({ path, text }) =>
      [...text.matchAll(WRITES)].map(
        ([, table]) =>
          `${path} writes the table ${table}. Only ${STORE} may do so, because it also reports the change to watchers, subscribers and the audit trail.`,
      ),
    );
}
