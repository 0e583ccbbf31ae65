import { UserError } from '../../scripts/lib/prepare.mjs';
import { loadDemoAccounts } from '../../scripts/demo/load-accounts.mjs';

/**
 * Creates the demo accounts that do not exist, and prints how to sign in to each.
 * @param {string | undefined} url the gateway's address
 */
export async function demo(url) {
  if (!url) throw new UserError('Name the gateway’s address, e.g. http://gateway:3000.');
  const logins = await loadDemoAccounts({ url, onProgress: (text) => console.log(text) });
  for (const { preset, account, email, password } of logins)
    console.log(`${preset}: ${account}, sign in as ${email} with ${password}`);
}
