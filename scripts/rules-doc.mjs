// node scripts/rules-doc.mjs: writes docs/rules.md from the rules that the services declare. Needs the packages (npm start, npm test).
/** @import { ActionInput, CatalogueRule, Preset, Transition } from '#libs/contracts' */
/** @import { Rule } from '#libs/lifecycle' */
import './lib/recent-node.mjs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { dataServices } from './lib/services.mjs';

/**
 * A rule as documented.
 * @typedef {Omit<CatalogueRule, 'transitions'>} DocumentedRule
 */

const INTRODUCTION = `# The rules

What happens to the data of a user who leaves. Each service declares the rules for its own data, in
\`services/<service>/src/departures/<service>.rules.ts\`. \`node scripts/rules-doc.mjs\` writes this page from those
declarations, and a running system lists them at \`GET /v1/rules\`.

- A deletion first applies the actions for a deactivation, unless they have been applied already, then those for a deletion.
- An account starts from a preset. The columns **deactivated** and **deleted** hold for all presets; the column **presets** lists the differences.
- Rows that are transferred go to the successor that the request names: a user, the active members of a team, or the leaver's line manager. Without one they go to the first admin.
- An account may choose any action under **allowed** that the rule offers on that transition. A _fixed_ rule cannot be changed.
- The column **taken over** is what happens when another person takes the user over (\`POST /v1/users/{id}/transfer\`). Only what is the former person's own ends, such as grants, tokens and links. It is the same under all presets, accounts cannot change it, and a reactivation undoes none of it. What the new person grants before a service has applied the take-over ends, too.
- **–** means that the rule does nothing.
`;

const HEADING = ['rule', 'what it is about', 'deactivated', 'deleted', 'taken over', 'presets', 'allowed'];
const BASE = 'crm';
/** @type {readonly Transition[]} */
const TRANSITIONS = ['deactivated', 'deleted', 'transferred'];

/**
 * The document about a catalogue of rules.
 * @param {DocumentedRule[]} rules as `GET /v1/rules` lists them
 */
export function rulesDocument(rules) {
  const services = [...new Set(rules.map((rule) => rule.service))];
  const sections = services.map((service) => {
    const rows = rules.filter((rule) => rule.service === service).map(rowOf);
    return `## ${service}\n\n${table(HEADING, rows)}\n`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

/** @param {DocumentedRule} rule */
function rowOf({ id, label, fixed, allowed, defaults }) {
  return [
    `\`${id}\``,
    label,
    ...TRANSITIONS.map((transition) => words(defaults[BASE][transition])),
    deviations(defaults).join('; '),
    fixed ? '_fixed_' : allowed.toSorted().join(', '),
  ];
}

/** @param {DocumentedRule['defaults']} defaults */
function deviations({ [BASE]: base, ...others }) {
  return Object.entries(others).flatMap(([preset, chosen]) =>
    TRANSITIONS.filter((transition) => words(chosen[transition]) !== words(base[transition])).map(
      (transition) => `${preset}, ${transition}: ${words(chosen[transition])}`,
    ),
  );
}

/** @param {ActionInput | undefined} action */
function words(action) {
  if (action === undefined) return '–';
  if (typeof action === 'string') return action;
  return [action.action, action.days !== undefined && `${action.days} days`, action.scope && `(${action.scope})`]
    .filter(Boolean)
    .join(' ');
}

/**
 * Cells are not padded, so that a new row changes no other row; `.prettierignore` keeps Prettier from padding them.
 * @param {string[]} heading
 * @param {string[][]} rows
 */
function table(heading, rows) {
  /** @param {string[]} cells */
  const line = (cells) => `| ${heading.map((_, column) => cells[column] ?? '').join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The catalogue, as identity would list it, from the compiled declarations. */
async function declaredRules() {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
  const { PRESETS } = /** @type {typeof import('#libs/contracts')} */ (await load('libs/contracts/src/index.js'));
  const { choiceOf } = /** @type {typeof import('#libs/lifecycle')} */ (await load('libs/lifecycle/src/index.js'));
  /**
   * @param {string} service
   * @param {Rule} rule
   * @returns {DocumentedRule}
   */
  const documented = (service, { id, label, fixed, choices, presets }) => {
    const offers = TRANSITIONS.flatMap((transition) => {
      const choice = choices[transition];
      return choice ? [{ transition, actions: choice.actions }] : [];
    });
    /** @param {Preset} preset */
    const underPreset = (preset) =>
      Object.fromEntries(
        offers.map(({ transition, actions: [first] }) => {
          const action = presets[preset]?.[transition] ?? first;
          return [transition, action && choiceOf(action)];
        }),
      );
    const defaults = Object.fromEntries(PRESETS.map((preset) => [preset, underPreset(preset)]));
    return {
      service,
      id,
      label,
      fixed,
      allowed: [...new Set(offers.flatMap(({ actions }) => actions.map((action) => action.name)))],
      defaults: /** @type {DocumentedRule['defaults']} */ (defaults),
    };
  };
  const byService = dataServices.map(async (service) => {
    const declarations = await load(`services/${service}/src/departures/${service}.rules.js`);
    /** @type {Rule[]} */
    const rules = declarations[`${service}Rules`];
    return rules.map((rule) => documented(service, rule));
  });
  return (await Promise.all(byService)).flat();
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await ensureBuilt(await ensureInstalled());
    await writeFile(join(root, 'docs/rules.md'), rulesDocument(await declaredRules()));
  });
}
