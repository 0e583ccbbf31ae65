import type {
  ContactsTold,
  ContactToCall,
  HandedOverRows,
  HandoverCheck,
  HandoverPart,
  HandoverReport,
} from '#libs/contracts';
import { createHash } from 'node:crypto';
import { html, trusted, type Html } from './html.js';

const STYLE = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 48rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; padding-top: .5rem; border-top: 2px solid #1a1a1a; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: 0 0 .5rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .375rem .5rem .375rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ccc; overflow-wrap: anywhere; }
th.number, td.number { text-align: right; padding-right: 0; white-space: nowrap; }
a { color: inherit; }
.quiet { color: #555; }
@page { size: A4; margin: 18mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  section + section { break-before: page; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
}
`;

/** Built here, because its hash covers every space of it. */
const STYLE_ELEMENT = trusted(`<style>${STYLE}</style>`);

/** The page has no scripts and loads nothing. Its only style is allowed by its hash. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const CHECKS: Readonly<Record<HandoverCheck['kind'], string>> = {
  warning: 'Please check',
  failed: 'Failed',
  unfinished: 'Not finished yet',
  remaining: 'Rows left behind',
  'not-restored': 'Not given back',
  skipped: 'Not carried out',
  delayed: 'Happens later',
  held: 'Delayed by a legal hold',
  quarantine: 'Numbers in quarantine',
};

const TRANSITIONS: Readonly<Record<HandoverReport['transition'], string>> = {
  deactivated: 'Deactivated',
  deleted: 'Deleted',
  reactivated: 'Reactivated',
  transferred: 'Taken over',
  reassigned: 'Handed over',
};

const WARNINGS: Readonly<Record<string, string>> = {
  'successor-has-left': 'The named successor has left; the first admin got the rows.',
};

/** A page for print and for small screens. */
export function handoverPage(report: HandoverReport): string {
  const {
    user,
    transition,
    status,
    effectiveAt,
    completedAt,
    parts,
    checks = [],
    contacts = [],
    contactsTold,
  } = report;
  const rest = checks.length + contacts.length > 0 || contactsTold !== undefined;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Handover: ${user.name}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <h1>Handover: ${user.name}</h1>
        <p>
          ${TRANSITIONS[transition]} on ${dayOf(effectiveAt)}.
          ${completedAt ? `Completed on ${dayOf(completedAt)}.` : `Status: ${status}. Receivers may get more.`}
        </p>
        <p class="quiet">Departure ${report.departureId}</p>
        ${parts.length === 0 ? html`<p>Nobody has received anything.</p>` : ''} ${parts.map(partOf)}
        ${
          rest
            ? html`<section>
                <h2>For managers</h2>
                ${checksOf(checks)}${contactsOf(contacts)}${contactsTold ? toldOf(contactsTold) : ''}
              </section>`
            : ''
        }
      </body>
    </html> `;
  return page.text;
}

const partOf = ({ receiver, received, affected, checks, contacts }: HandoverPart): Html =>
  html`<section>
    <h2>${receiver.name}</h2>
    ${received.length === 0 ? html`<p>No rows.</p>` : receivedTable(received, affected)}
    ${checksOf(checks)}${contactsOf(contacts)}
  </section>`;

const receivedTable = (received: readonly HandedOverRows[], affected: number): Html =>
  html`<h3>What you have now</h3>
    <table>
      <thead>
        <tr>
          <th>What</th>
          <th>Service</th>
          <th class="number">Rows</th>
        </tr>
      </thead>
      <tbody>
        ${received.map(
          (row) =>
            html`<tr>
              <td>${labelOf(row)}</td>
              <td>${row.service}</td>
              <td class="number">${row.affected}</td>
            </tr>`,
        )}
        <tr>
          <th>Total</th>
          <th></th>
          <th class="number">${affected}</th>
        </tr>
      </tbody>
    </table>`;

function checksOf(checks: readonly HandoverCheck[]): Html | '' {
  if (checks.length === 0) return '';
  return html`<h3>What needs a look</h3>
    <table>
      <thead>
        <tr>
          <th>What</th>
          <th>Why</th>
          <th class="number">Rows</th>
        </tr>
      </thead>
      <tbody>
        ${checks.map(
          (check) =>
            html`<tr>
              <td>${labelOf(check)}</td>
              <td>${reasonOf(check)}</td>
              <td class="number">${check.affected ?? ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function contactsOf(contacts: readonly ContactToCall[]): Html | '' {
  if (contacts.length === 0) return '';
  return html`<h3>Contacts to call</h3>
    <table>
      <thead>
        <tr>
          <th>Name</th>
          <th>Phone</th>
          <th>Last message</th>
        </tr>
      </thead>
      <tbody>
        ${contacts.map(
          ({ name, phone, lastMessageAt }) =>
            html`<tr>
              <td>${name ?? ''}</td>
              <td>${phoneLink(phone)}</td>
              <td>${lastMessageAt ? dayOf(lastMessageAt) : ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

const toldOf = ({ total, sent, failed, cancelled }: ContactsTold): Html =>
  html`<p>Contacts told by text: ${sent} of ${total}. Failed: ${failed}. Called off: ${cancelled}.</p>`;

const labelOf = ({ label, part, service }: Pick<HandoverCheck, 'label' | 'part' | 'service'>): string =>
  label === undefined ? service : part === undefined ? label : `${label} (${part})`;

function reasonOf({ kind, code, dueAt }: HandoverCheck): string {
  const detail = code === undefined ? undefined : (WARNINGS[code] ?? code);
  const day = dueAt === undefined ? undefined : `due on ${dayOf(dueAt)}`;
  return [CHECKS[kind], detail ?? day].filter((one) => one !== undefined).join(': ');
}

const phoneLink = (phone: string | null): Html | string =>
  phone !== null && /^\+\d{7,15}$/.test(phone) ? html`<a href="tel:${phone}">${phone}</a>` : (phone ?? '');

/** The day in UTC. */
const dayOf = (moment: string): string => moment.slice(0, 10);
