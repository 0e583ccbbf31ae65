/** @import { CreatedApiToken, SignedIn } from '#libs/contracts' */
import { hostname } from 'node:os';
import { defineCommand } from '../command.mjs';
import { gatewayUrl, storeCredentials } from '../credentials.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';
import { HttpClient, HttpError } from '../http-client.mjs';
import { ask, askSecret } from '../terminal/prompt.mjs';

/** Anything else is a recovery code. */
const APP_CODE = /^\d{6}$/;

/**
 * Signs in. A code is sent only if the user has a second factor.
 * @param {HttpClient} api
 * @param {{ email: string, password: string }} user
 * @param {string | undefined} given the code, or undefined to ask for it
 * @returns {Promise<SignedIn>}
 */
async function signIn(api, user, given) {
  try {
    return await api.post('/v1/auth/login', user);
  } catch (error) {
    if (!(error instanceof HttpError) || error.code !== 'second-factor-required') throw error;
    const { challenge, methods = [] } = error.problem;
    const code = given ?? (await codeOf(methods));
    return await api.post('/v1/auth/login', {
      challenge,
      ...(APP_CODE.test(code) ? { totp: code } : { recoveryCode: code }),
    });
  }
}

/** @param {readonly string[]} methods those that the user has */
async function codeOf(methods) {
  if (!process.stdin.isTTY)
    throw usageError('A second factor is needed, and there is no terminal for the prompt: use --code.');
  const kinds = [
    ...(methods.includes('totp') ? ['code of your authenticator app'] : []),
    ...(methods.includes('recovery-code') ? ['recovery code'] : []),
  ];
  if (kinds.length === 0)
    throw usageError(
      'Your second factor is a passkey, which works only in a browser. Set up an authenticator app there.',
    );
  const code = (await ask(`Second factor (${kinds.join(' or ')}): `)).replace(/\s/g, '');
  if (!code) throw usageError('The second factor is needed; you are not signed in.');
  return code;
}

/** Creates an API token for this program and stores it. The password is asked for, or read from standard input. */
export const login = defineCommand({
  usage: 'login [--email <email>] [--code <code>]',
  about: 'sign in and keep an API token',
  args: 0,
  options: { email: { type: 'string' }, code: { type: 'string' } },
  run: async ({ values, limits, messages }) => {
    const url = await gatewayUrl();
    if (!values.email && !process.stdin.isTTY) throw usageError('There is no terminal for the prompt: use --email.');
    const email = values.email || (await ask(`Email at ${url}: `));
    const password = await askSecret('Password: ');
    if (!email || !password) throw usageError('Both email and password are needed; nothing was sent.');
    const anonymous = new HttpClient(url, undefined, undefined, limits.answer);
    const { accessToken } = await signIn(anonymous, { email, password }, values.code);
    const api = anonymous.withToken(accessToken);
    /** @type {CreatedApiToken} */
    const { id, token } = await api.post('/v1/me/api-tokens', {
      name: `leaver on ${hostname()}`,
      // `write` is for revoking the token at `leaver logout`.
      scopes: ['read', 'write', 'departures'],
    });
    await api.post('/v1/auth/logout');
    await storeCredentials({ url, token, tokenId: id });
    messages.line(`Signed in at ${url} as ${email}.`);
    return EXIT.done;
  },
});
