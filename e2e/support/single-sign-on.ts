import { CLIENT_ID, CLIENT_SECRET, OpenIdProvider } from '../../services/identity/src/testing/openid-provider.js';
import type { Api, Json } from './api.js';
import type { Place } from './cast.js';

/** Sets up single sign-on with a provider on this machine, uses it, and removes it again. */
export async function useSingleSignOn(_place: Place, owner: Api): Promise<void> {
  const { id: accountId } = await owner.get<Json>('/v1/account');
  const provider = await OpenIdProvider.start({
    redirectUri: `https://leaver.example.com/v1/auth/sso/${accountId as string}/callback`,
  });
  try {
    const domains = ['harborpine.invalid'];
    await owner.put('/v1/account/sso', {
      ...{ issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
      ...{ domains, justInTimeRole: 'agent' },
    });
    await owner.get('/v1/account/sso');
    await owner.post('/v1/account/sso/verify-domains');
    await owner.delete('/v1/account/sso');
  } finally {
    await provider.stop();
  }
}
