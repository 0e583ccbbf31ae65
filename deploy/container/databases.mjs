/** @import { Environment } from '../../scripts/lib/settings.mjs' */
import { createServiceDatabase } from '#libs/local-servers';
import { UserError } from '../../scripts/lib/prepare.mjs';
import { explainDatabase } from '../../scripts/lib/server-trust.mjs';
import { dataServices } from '../../scripts/lib/services.mjs';
import { setting } from '../../scripts/lib/settings.mjs';

/**
 * Creates each service's database and its two roles, unless they exist. Safe to repeat.
 * @param {Environment} env ADMIN_DATABASE_URL: a role that may create databases and roles; <NAME>_DATABASE_URL and
 *   <NAME>_OWNER_DATABASE_URL of each service: the passwords that its roles get. Or the same with _FILE.
 */
export async function createDatabases(env) {
  const adminUrl = required(env, 'ADMIN_DATABASE_URL');
  await Promise.all(
    dataServices.map(async (name) => {
      const prefix = name.toUpperCase();
      const runtime = passwordIn(required(env, `${prefix}_DATABASE_URL`));
      const owner = passwordIn(required(env, `${prefix}_OWNER_DATABASE_URL`));
      await createServiceDatabase(adminUrl, name, { passwords: { owner, runtime } }).catch(explainDatabase(name));
      console.log(`${name} has its database`);
    }),
  );
}

/** @param {string} url */
const passwordIn = (url) => decodeURIComponent(new URL(url).password);

/**
 * @param {Environment} env
 * @param {string} name
 */
function required(env, name) {
  const value = setting(env, name);
  if (!value) throw new UserError(`${name} is not set.`);
  return value;
}
