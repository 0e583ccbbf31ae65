// Brings every service's tables up to date, as a step of its own before the services start.
// Alone: node scripts/migrate.mjs, with <NAME>_OWNER_DATABASE_URL for each service to do.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '#libs/database';
import { Fault, main } from './lib/prepare.mjs';
import { root } from './lib/root.mjs';
import { dataServices } from './lib/services.mjs';

/**
 * @param ownerUrls the owner's database address by service
 * @returns how many migrations were applied
 */
export async function migrateAll(ownerUrls, onProgress) {
  let applied = 0;
  for (const [name, url] of Object.entries(ownerUrls)) {
    const file = join(root, 'dist/services', name, 'src/migrations/migrations.js');
    if (!existsSync(file)) throw new Fault(`${name} has no migrations; is it compiled (npm run build)?`);
    const { migrations } = await import(pathToFileURL(file).href);
    const count = await migrate(url, migrations);
    applied += count;
    onProgress(`${name}, ${count} applied`);
  }
  return applied;
}

if (process.argv[1] === import.meta.filename) {
  await main(async () => {
    const address = (name) => process.env[`${name.toUpperCase()}_OWNER_DATABASE_URL`];
    const chosen = dataServices.filter(address);
    if (chosen.length === 0)
      throw new Fault('Set <NAME>_OWNER_DATABASE_URL for at least one service, e.g. IDENTITY_OWNER_DATABASE_URL.');
    await migrateAll(Object.fromEntries(chosen.map((name) => [name, address(name)])), console.log);
  });
}
