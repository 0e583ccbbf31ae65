// node scripts/settings-doc.mjs: writes the services' settings into docs/CONFIGURATION.md, from the classes that declare them.
// Needs the packages (npm start, npm test).
/** @import { BaseConfig, Setting } from '#libs/platform' */
/** @import { Class } from '#libs/contracts' */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { markdownTable, replaceBetween } from './lib/generated.mjs';
import { ensureBuilt, ensureInstalled, isThisNode, main, run } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { dataServices, services } from './lib/services.mjs';

export const LINES = { begin: '<!-- node scripts/settings-doc.mjs -->', end: '<!-- end -->' };

/**
 * The table of settings; settings of more services come first.
 * @param {Map<string, Setting[]>} byService
 */
export function settingsTable(byService) {
  const all = [...byService].flatMap(([service, settings]) => settings.map((setting) => ({ service, ...setting })));
  /** @type {Map<string, typeof all>} the same setting of several services */
  const groups = Map.groupBy(all, ({ service: _service, ...setting }) => JSON.stringify(setting));
  const names = Map.groupBy(all, ({ name }) => name);
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const preset = first.preset === undefined ? (first.required ? 'required' : 'none') : `\`${first.preset}\``;
    const users = servicesText(group.map(({ service }) => service));
    return [{ name: first.name, cells: [`\`${first.name}\``, users, preset, first.about] }];
  });
  const spread = (/** @type {string} */ name) => names.get(name)?.length ?? 0;
  const order = [...names.keys()];
  rows.sort((a, b) => spread(b.name) - spread(a.name) || order.indexOf(a.name) - order.indexOf(b.name));
  return markdownTable(
    ['setting', 'services', 'default', 'meaning'],
    rows.map(({ cells }) => cells),
  );
}

/** @param {string[]} names */
function servicesText(names) {
  if (names.length === services.length) return 'all';
  return names.length === dataServices.length && !names.includes('gateway') ? 'all but gateway' : names.join(', ');
}

/**
 * A sentence with the settings that the image overrides.
 * @param {string} dockerfile
 */
export function imageSettings(dockerfile) {
  const set = [...dockerfile.matchAll(/^ENV (.+)$/gm)].flatMap(([, pairs = '']) => pairs.split(' '));
  const ours = set.filter((pair) => !pair.startsWith('NODE_'));
  return `The image sets ${ours.map((pair) => `\`${pair}\``).join(', ')}.`;
}

/**
 * The settings of each service.
 * @param {(service: string) => Promise<Class<BaseConfig>>} configOf
 * @param {(type: Class<BaseConfig>) => Setting[]} settingsOf
 */
export async function settingsByService(configOf, settingsOf) {
  /** @type {Map<string, Setting[]>} */
  const found = new Map();
  for (const service of services) found.set(service, settingsOf(await configOf(service)));
  return found;
}

/**
 * The document with current settings.
 * @param {string} document
 * @param {Map<string, Setting[]>} byService
 * @param {string} dockerfile
 */
export const withSettings = (document, byService, dockerfile) =>
  replaceBetween(document, LINES, `\n${settingsTable(byService)}\n\n${imageSettings(dockerfile)}\n`);

/** Loads the compiled platform and configuration classes. */
async function compiled() {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(join(root, 'dist', path)).href);
  const { ServiceConfig, settingsOf } = /** @type {typeof import('#libs/platform')} */ (
    await load('libs/platform/src/index.js')
  );
  /** @param {string} service */
  const configOf = async (service) => {
    const path = `services/${service}/src/${service}.config.js`;
    if (!existsSync(join(root, 'dist', path))) return ServiceConfig;
    const exported = await load(path);
    const name = Object.keys(exported).find((one) => one.endsWith('Config'));
    return exported[name ?? ''];
  };
  return settingsByService(configOf, settingsOf);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const node = await ensureInstalled();
    if (!isThisNode(node)) return run(node, [fileURLToPath(import.meta.url)]);
    await ensureBuilt(node);
    const file = join(root, 'docs/CONFIGURATION.md');
    const dockerfile = await readFile(join(root, 'deploy/Dockerfile'), 'utf8');
    await writeFile(file, withSettings(await readFile(file, 'utf8'), await compiled(), dockerfile));
  });
}
