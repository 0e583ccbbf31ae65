import { createServiceDatabase } from '#libs/local-servers';
import { Fault } from '../../scripts/lib/prepare.mjs';
import { dataServices } from '../../scripts/lib/services.mjs';
import { setting } from '../../scripts/lib/settings.mjs';

/**
 * Sees to it that each service has its database and its two roles. Can be repeated at any time.
 * @param env ADMIN_DATABASE_URL: a role that may create databases and roles; <NAME>_DATABASE_URL and
 *   <NAME>_OWNER_DATABASE_URL of each service: the passwords that its roles get. Or the same with _FILE.
 */
export async function createDatabases(env) {
  const adminUrl = required(env, 'ADMIN_DATABASE_URL');
  await Promise.all(
    dataServices.map(async (name) => {
      const [runtime, owner] = ['', 'OWNER_'].map((role) => {
        const { password } = new URL(required(env, `${name.toUpperCase()}_${role}DATABASE_URL`));
        return decodeURIComponent(password);
      });
      await createServiceDatabase(adminUrl, name, { passwords: { owner, runtime } });
      console.log(`${name} has its database`);
    }),
  );
}

function required(env, name) {
  const value = setting(env, name);
  if (!value) throw new Fault(`${name} is not set.`);
  return value;
}
