// node scripts/rules-doc.mjs: writes docs/rules.md from the rules that the services declare. Needs the packages (npm start, npm test).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensureBuilt, ensureInstalled, main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { dataServices } from './lib/services.mjs';

const INTRODUCTION = `# The rules

What becomes of the data of somebody who leaves. Each service declares the rules of its own data, in
\`services/<service>/src/departures/<service>.rules.ts\`; this page is written from those declarations by
\`node scripts/rules-doc.mjs\`, and a running system tells the same at \`GET /v1/rules\`.

- A deletion applies first what is said for a deactivation, unless it has been applied already, and then what is said for a deletion.
- An account starts from a preset. The columns **deactivated** and **deleted** hold for all of them; where one differs, the column **presets** says so.
- An account may choose any of the actions that stand under **allowed**, as far as the rule offers them on that transition; what is _fixed_ nobody can change.
- **–** stands where the rule has nothing to do.
`;

const HEADING = ['rule', 'what it is about', 'deactivated', 'deleted', 'presets', 'allowed'];
const BASE = 'crm';
const TRANSITIONS = ['deactivated', 'deleted'];

/**
 * The document about a catalogue of rules.
 * @param {object[]} rules as `GET /v1/rules` lists them
 */
export function rulesDocument(rules) {
  const services = [...new Set(rules.map((rule) => rule.service))];
  const sections = services.map((service) => {
    const rows = rules.filter((rule) => rule.service === service).map(rowOf);
    return `## ${service}\n\n${table([HEADING, ...rows])}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

function rowOf({ id, label, fixed, allowed, defaults }) {
  const base = TRANSITIONS.map((transition) => words(defaults[BASE][transition]));
  return [
    `\`${id}\``,
    label,
    ...base,
    deviations(defaults).join('; '),
    fixed ? '_fixed_' : allowed.toSorted().join(', '),
  ];
}

function deviations({ [BASE]: base, ...others }) {
  return Object.entries(others).flatMap(([preset, chosen]) =>
    TRANSITIONS.filter((transition) => words(chosen[transition]) !== words(base[transition])).map(
      (transition) => `${preset}, ${transition}: ${words(chosen[transition])}`,
    ),
  );
}

function words(action) {
  if (action === undefined) return '–';
  if (typeof action === 'string') return action;
  return [action.action, action.days !== undefined && `${action.days} days`, action.scope && `(${action.scope})`]
    .filter(Boolean)
    .join(' ');
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [heading, ...body] = rows;
  return [line(heading), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** The catalogue, as identity would list it, from the compiled declarations. */
async function declaredRules() {
  const load = (path) => import(join(root, 'dist', path));
  const { PRESETS } = await load('libs/contracts/src/index.js');
  const { choiceOf } = await load('libs/lifecycle/src/index.js');
  const listed = await Promise.all(
    dataServices.map(async (service) => {
      const declared = await load(`services/${service}/src/departures/${service}.rules.js`);
      return declared[`${service}Rules`].map((rule) => ({ service, ...rule }));
    }),
  );
  return listed.flat().map(({ service, id, label, fixed, choices, presets }) => {
    const offers = Object.entries(choices);
    const underPreset = (preset) =>
      offers.map(([transition, { actions }]) => [transition, choiceOf(presets[preset]?.[transition] ?? actions[0])]);
    return {
      service,
      id,
      label,
      fixed,
      allowed: [...new Set(offers.flatMap(([, { actions }]) => actions.map((action) => action.name)))],
      defaults: Object.fromEntries(PRESETS.map((preset) => [preset, Object.fromEntries(underPreset(preset))])),
    };
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await ensureBuilt(await ensureInstalled());
    await writeFile(join(root, 'docs/rules.md'), rulesDocument(await declaredRules()));
  });
}
