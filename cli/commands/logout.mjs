import { defineCommand } from '../command.mjs';
import { removeCredentials, storedCredentials } from '../credentials.mjs';
import { EXIT } from '../exit-codes.mjs';
import { HttpClient, HttpError } from '../http-client.mjs';

export const logout = defineCommand({
  usage: 'logout',
  about: 'revoke that token',
  args: 0,
  run: async ({ limits, messages }) => {
    const credentials = await storedCredentials();
    if (!credentials) {
      messages.line('Not signed in.');
      return EXIT.done;
    }
    const { url, token, tokenId } = credentials;
    const api = new HttpClient(url, token, undefined, limits.answer);
    await api.delete(`/v1/me/api-tokens/${tokenId}`).catch((error) => {
      // The token has been revoked already.
      if (error instanceof HttpError && (error.status === 401 || error.status === 404)) return;
      throw error;
    });
    await removeCredentials();
    messages.line(`Signed out at ${url}.`);
    return EXIT.done;
  },
});
