import { hostname } from 'node:os';
import { Api } from '../lib/demo-api.mjs';
import { addressOfGateway, forget, keep, kept } from './credentials.mjs';
import { EXIT, usageFault } from './ending.mjs';
import { ask, askSecretly } from './questions.mjs';

/** Makes an API token for this program and puts it down. The password is asked for, or read from standard input. */
export async function login({ values, say }) {
  const url = await addressOfGateway();
  if (!values.email && !process.stdin.isTTY) throw usageFault('Where nobody can be asked, name the user with --email.');
  const email = values.email ?? (await ask(`Email at ${url}: `));
  const password = await askSecretly('Password: ');
  const nobody = new Api(url);
  const { accessToken } = await nobody.post('/v1/auth/login', { email, password });
  const { id, token } = await nobody.as(accessToken).post('/v1/me/api-tokens', { name: `leaver on ${hostname()}` });
  await nobody.as(accessToken).post('/v1/auth/logout');
  await keep({ url, token, tokenId: id });
  say.line(`Signed in at ${url} as ${email}.`);
  return EXIT.done;
}

/** Revokes that token. */
export async function logout({ say }) {
  const credentials = await kept();
  if (!credentials) {
    say.line('Nobody is signed in.');
    return EXIT.done;
  }
  const { url, token, tokenId } = credentials;
  // What does not work any more needs no revoking.
  await new Api(url, token).delete(`/v1/me/api-tokens/${tokenId}`).catch((error) => {
    if (error.status !== 401 && error.status !== 404) throw error;
  });
  await forget();
  say.line(`Signed out at ${url}.`);
  return EXIT.done;
}
