// Migrates the database of each service, as a step of its own before the services start.
// Alone: node scripts/migrate.mjs, with <NAME>_OWNER_DATABASE_URL for each service to migrate.
/** @import { Environment } from './lib/settings.mjs' */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '#libs/database';
import { main, UserError } from './lib/prepare.mjs';
import { explainDatabase } from './lib/server-trust.mjs';
import { root } from './lib/root.mjs';
import { dataServices } from './lib/services.mjs';
import { setting } from './lib/settings.mjs';

/**
 * @param {Record<string, string>} ownerUrls the owner's database address by service
 * @param {(text: string) => void} onProgress
 * @returns how many migrations were applied
 */
export async function migrateAll(ownerUrls, onProgress) {
  const counts = await Promise.all(
    Object.entries(ownerUrls).map(async ([name, url]) => {
      const count = await migrateOne(name, url);
      onProgress(`${name}, ${count} applied`);
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/**
 * @param {string} name
 * @param {string} ownerUrl
 * @returns how many migrations were applied
 */
export async function migrateOne(name, ownerUrl) {
  const file = join(root, 'dist/services', name, `src/${name}.module.js`);
  if (!existsSync(file)) throw new UserError(`${name} has no migrations; is it compiled (npm run build)?`);
  const { migrations } = await import(pathToFileURL(file).href);
  return migrate(ownerUrl, migrations).catch(explainDatabase(name));
}

/**
 * @param {Environment} env <NAME>_OWNER_DATABASE_URL, or the same with _FILE, for each service to migrate
 */
export async function migrateFrom(env) {
  /** @type {Record<string, string>} */
  const ownerUrls = {};
  for (const name of dataServices) {
    const url = setting(env, `${name.toUpperCase()}_OWNER_DATABASE_URL`);
    if (url) ownerUrls[name] = url;
  }
  if (Object.keys(ownerUrls).length === 0)
    throw new UserError('Set <NAME>_OWNER_DATABASE_URL for at least one service, e.g. IDENTITY_OWNER_DATABASE_URL.');
  await migrateAll(ownerUrls, console.log);
}

if (process.argv[1] === import.meta.filename) await main(() => migrateFrom(process.env));
