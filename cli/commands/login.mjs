/** @import { CreatedApiToken, SignedIn } from '#libs/contracts' */
import { hostname } from 'node:os';
import { defineCommand } from '../command.mjs';
import { gatewayUrl, storeCredentials } from '../credentials.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';
import { HttpClient } from '../http-client.mjs';
import { ask, askSecret } from '../terminal/prompt.mjs';

/** Creates an API token for this program and stores it. The password is asked for, or read from standard input. */
export const login = defineCommand({
  usage: 'login [--email <email>]',
  about: 'sign in and keep an API token',
  args: 0,
  options: { email: { type: 'string' } },
  run: async ({ values, limits, messages }) => {
    const url = await gatewayUrl();
    if (!values.email && !process.stdin.isTTY) throw usageError('There is no terminal for the prompt: use --email.');
    const email = values.email || (await ask(`Email at ${url}: `));
    const password = await askSecret('Password: ');
    if (!email || !password) throw usageError('Both email and password are needed; nothing was sent.');
    const anonymous = new HttpClient(url, undefined, undefined, limits.answer);
    /** @type {SignedIn} */
    const { accessToken } = await anonymous.post('/v1/auth/login', { email, password });
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
