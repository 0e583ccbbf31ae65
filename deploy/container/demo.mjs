import { Fault } from '../../scripts/lib/prepare.mjs';
import { loadDemoAccounts } from '../../scripts/demo/load-accounts.mjs';

/** Makes the demo accounts that are missing, and prints how to sign in to each. */
export async function demo(url) {
  if (!url) throw new Fault('Say where the gateway is, e.g. http://gateway:3000.');
  const logins = await loadDemoAccounts({ url, onProgress: console.log });
  for (const { preset, account, email, password } of logins)
    console.log(`${preset}: ${account}, sign in as ${email} with ${password}`);
}
