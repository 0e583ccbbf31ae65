/** @typedef {import('./sources.mjs').Source} Source */

const MIGRATIONS = /\/migrations\//;
const IN_SQL = /\b(?:lower|upper|initcap)\s*\(|\bilike\b/i;
const IN_TYPESCRIPT = /\.to(?:Locale)?(?:Lower|Upper)Case\(/;

const SCIM = 'Names of attributes, schemas and operators, which are ASCII.';

/**
 * Files that change the case of something that identifies no person.
 * @type {Readonly<Record<string, string>>}
 */
const OTHER_TEXT = {
  'libs/contracts/src/text/fold-case.ts': 'It is the folding.',
  'libs/csv/src/titles.ts': 'Titles of columns.',
  'libs/database/src/limits/statement-summary.ts': 'Keywords of SQL.',
  'libs/platform/src/resource-values.ts': 'Names of fields.',
  'libs/platform/src/service/config.ts': 'Names of settings.',
  'libs/platform/src/ssrf-guard.ts': 'Names of hosts.',
  'libs/scim/src/attribute-path.ts': SCIM,
  'libs/scim/src/filter/filter-matcher.ts': SCIM,
  'libs/scim/src/filter/filter-parser.ts': SCIM,
  'libs/scim/src/filter/operands.ts': SCIM,
  'libs/scim/src/patch.ts': SCIM,
  'libs/scim/src/projection.ts': SCIM,
  'libs/scim/src/values.ts': SCIM,
  'services/gateway/src/handover/media-type.ts': 'Media types.',
  'services/gateway/src/http/request.ts': 'Media types.',
  'services/gateway/src/openapi/document.ts': 'HTTP methods.',
  'services/gateway/src/operations/read-call.ts': 'UUIDs.',
  'services/gateway/src/scim/read-request.ts': SCIM,
  'services/identity/src/scim/groups/group-attributes.ts': 'UUIDs.',
  'services/identity/src/scim/users/scim-user-rows.ts': SCIM,
  'services/identity/src/scim/users/user-attributes.ts': SCIM,
  'services/integrations/src/webhook/receivers.ts': 'Names of hosts.',
};

/**
 * Product code that folds letter case in a way of its own. Identifiers of people are folded by `foldCase` and `fold_case` only:
 * what one of two ways finds and the other does not is a second user, or a former one who is not forgotten.
 * @param {readonly Source[]} sources
 * @returns {string[]}
 */
export function ownFoldings(sources) {
  const folding = sources
    .filter(({ path, isTest }) => !isTest && /^(?:libs|services)\//.test(path) && !MIGRATIONS.test(path))
    .filter(({ text }) => IN_TYPESCRIPT.test(text) || sqlIn(text).some((sql) => IN_SQL.test(sql)))
    .map(({ path }) => path);
  const known = new Set(folding);
  return [
    ...folding
      .filter((path) => !(path in OTHER_TEXT))
      .map(
        (path) =>
          `${path} changes letter case. Fold identifiers with foldCase, in SQL fold_case; list other text in scripts/lint/letter-case.mjs.`,
      ),
    ...Object.keys(OTHER_TEXT)
      .filter((path) => sources.some((source) => source.path === path) && !known.has(path))
      .map((path) => `${path} no longer changes letter case. Take it out of scripts/lint/letter-case.mjs.`),
  ];
}

/** @param {string} text */
const sqlIn = (text) => text.match(/`[^`]*`/g) ?? [];
