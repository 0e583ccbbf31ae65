import { escapeHtml as text } from '#libs/contracts';
import type { ExportedKind, ExportProgress } from './export-progress.js';

export interface ExportFacts {
  exportId: string;
  userId: string;
  requestedAt: string;
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}' +
  'th,td{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}td.n{text-align:right}';

/** The page of the archive that says what is in its files, and what is not. */
export function exportIndex({ exportId, userId, requestedAt }: ExportFacts, progress: ExportProgress): string {
  const { kinds, missing, omitted } = progress;
  const empty = kinds.filter(({ rows }) => rows === 0);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Copy of a user’s data</title>',
    `<style>${STYLE}</style></head><body><h1>Copy of a user’s data</h1>`,
    `<p>User ${text(userId)}, requested at ${text(requestedAt)}, export ${text(exportId)}. `,
    'Each file has one row a line, as JSON. It has the rows that name the user by id. Texts in which others mention the user are not included.</p>',
    ...(missing.length > 0
      ? [
          '<h2>Not included</h2><ul>',
          ...missing.map(({ service, reason }) => `<li><strong>${text(service)}</strong>: ${text(reason)}</li>`),
          '</ul>',
        ]
      : []),
    '<h2>Files</h2><table><tr><th>File</th><th>What</th><th>Rows</th><th>Remarks</th></tr>',
    ...kinds.filter(({ rows }) => rows > 0).map(rowOf),
    '</table>',
    ...(empty.length > 0
      ? [`<details><summary>Without rows: ${empty.length}</summary><p>${listOf(empty)}</p></details>`]
      : []),
    '<h2>Tables that are left out</h2><ul>',
    ...Object.entries(omitted).flatMap(([service, tables]) =>
      Object.entries(tables).map(([table, reason]) => `<li>${text(service)}/${text(table)}: ${text(reason)}</li>`),
    ),
    '</ul></body></html>\n',
  ].join('\n');
}

/** Tables without rows, which have no file. */
const listOf = (kinds: readonly ExportedKind[]): string =>
  kinds.map(({ service, table, labels }) => text([`${service}/${table}`, ...labels].join(' '))).join(', ');

function rowOf({ service, table, labels, rows, withheld, cut }: ExportedKind): string {
  const path = text(`${service}/${table}.ndjson`);
  const remarks = [
    ...(withheld.length > 0 ? [`Without ${withheld.join(', ')}: secrets.`] : []),
    ...(cut > 0 ? [`Long texts of ${cut} rows are cut.`] : []),
  ];
  return `<tr><td><a href="${path}">${path}</a></td><td>${text(labels.join(', '))}</td><td class="n">${rows}</td><td>${text(remarks.join(' '))}</td></tr>`;
}
