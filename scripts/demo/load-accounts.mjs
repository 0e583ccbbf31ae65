// Four accounts to try Leaver with, one for each kind of product, made through the API as any client would.
import { HttpClient, HttpError } from '../../cli/http-client.mjs';
import { addressOf, DEMO_PASSWORD, openAccount } from './account.mjs';
import { demoAccounts } from './accounts.mjs';

/**
 * Makes the demo accounts that are not there yet.
 * @returns how each account's owner signs in, `{ preset, account, email, password }`, and `busiest`, `{ id, name }`: the
 *   person who has the most to leave behind, unless already gone
 */
export async function loadDemoAccounts({ url, onProgress = () => undefined }) {
  const api = new HttpClient(url);
  return Promise.all(
    demoAccounts.map(async (spec) => {
      const email = addressOf(spec.owner.name, spec.domain);
      const login = { preset: spec.preset, account: spec.name, email, password: DEMO_PASSWORD };
      const signedIn = await signInto(api, email);
      if (signedIn.none) {
        const { leaver } = await openAccount(api, spec, (name) => onProgress(`${spec.name}, ${name}`));
        return { ...login, busiest: { id: leaver.user.id, name: leaver.user.name } };
      }
      return { ...login, busiest: signedIn.owner && (await find(signedIn.owner, spec.people[0].name)) };
    }),
  );
}

/** @returns the owner's API; `none` when there is no such account; nothing when it is there but can't be told apart */
async function signInto(api, email) {
  try {
    const { accessToken } = await api.post('/v1/auth/login', { email, password: DEMO_PASSWORD });
    return { owner: api.withToken(accessToken) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === 'invalid-credentials') return { none: true };
    // Several accounts share the address, or the owner has been deactivated meanwhile.
    if (error.code === 'validation' || error.code === 'account-inactive') return {};
    throw error;
  }
}

async function find(owner, name) {
  const { items } = await owner.get(`/v1/users?${new URLSearchParams({ q: name })}`);
  return items[0] && { id: items[0].id, name: items[0].name };
}
