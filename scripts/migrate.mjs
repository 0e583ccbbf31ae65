// Brings every service's tables up to date, as a step of its own before the services start.
// Alone: node scripts/migrate.mjs, with <NAME>_OWNER_DATABASE_URL for each service to do.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '#libs/database';
import { Fault, main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { dataServices } from './lib/services.mjs';
import { setting } from './lib/settings.mjs';

/**
 * @param ownerUrls the owner's database address by service
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

/** @returns how many migrations were applied */
export async function migrateOne(name, ownerUrl) {
  const file = join(root, 'dist/services', name, 'src/migrations/migrations.js');
  if (!existsSync(file)) throw new Fault(`${name} has no migrations; is it compiled (npm run build)?`);
  const { migrations } = await import(pathToFileURL(file).href);
  return migrate(ownerUrl, migrations);
}

/** @param env <NAME>_OWNER_DATABASE_URL, or the same with _FILE, for each service to do */
export async function migrateFrom(env) {
  const addresses = dataServices
    .map((name) => [name, setting(env, `${name.toUpperCase()}_OWNER_DATABASE_URL`)])
    .filter(([, address]) => address);
  if (addresses.length === 0)
    throw new Fault('Set <NAME>_OWNER_DATABASE_URL for at least one service, e.g. IDENTITY_OWNER_DATABASE_URL.');
  await migrateAll(Object.fromEntries(addresses), console.log);
}

if (process.argv[1] === import.meta.filename) await main(() => migrateFrom(process.env));
