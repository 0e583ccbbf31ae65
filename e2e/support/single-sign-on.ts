import {
  CLIENT_ID,
  CLIENT_SECRET,
  OpenIdProvider,
  SiteBrowser,
} from '../../services/identity/src/testing/openid-provider.js';
import type { Api, Json } from './api.js';
import { signInFromBrowser } from './browser.js';
import type { Place } from './cast.js';

interface Login {
  email: string;
  password: string;
}

/**
 * Sets up single sign-on with a provider on this machine, links an owner, signs them in, and removes it again.
 * @param endedFor the address of a user, whose sessions end
 */
export async function useSingleSignOn({ url }: Place, owner: Api, login: Login, endedFor: string): Promise<void> {
  const { id: accountId } = await owner.get<Json>('/v1/account');
  const callback = `${url}/v1/auth/sso/${accountId as string}/callback`;
  const backchannelLogoutUri = callback.replace(/callback$/, 'backchannel-logout');
  const provider = await OpenIdProvider.start({ redirectUri: callback, backchannelLogoutUri });
  try {
    provider.person = { sub: 'subject-1', email: login.email, email_verified: true };
    await owner.put('/v1/account/sso', {
      ...{ issuer: provider.issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET },
      ...{ domains: ['harborpine.invalid'], justInTimeRole: 'agent' },
    });
    await owner.get('/v1/account/sso');
    await owner.post('/v1/account/sso/verify-domains');
    const headers = { ...(await signInFromBrowser(url, login)), 'content-type': 'application/json' };
    const body = JSON.stringify({ purpose: 'link' });
    const asked = await fetch(`${url}/v1/me/sso`, { method: 'POST', headers, body });
    await back(callback, ((await asked.json()) as { url: string }).url, asked);
    const started = await fetch(callback.replace(/callback$/, 'start'), { redirect: 'manual' });
    await fetch(`${url}/v1/auth/sso`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: login.email }),
    });
    const signedIn = await back(callback, started.headers.get('location')!, started);
    const cookie = signedIn.headers.getSetCookie().at(-1)!.split(';', 1)[0]!;
    await fetch(`${url}/v1/me`, { headers: { cookie } });
    await provider.logOut();
    const after = await fetch(`${url}/v1/me`, { headers: { cookie } });
    if (after.status !== 401) throw new Error(`the session goes on: ${after.status}`);
    const now = Math.floor(Date.now() / 1_000);
    const audience = callback.replace(/callback$/, 'global-token-revocation');
    const token = await provider.sign(
      { iss: provider.issuer, aud: audience, iat: now, exp: now + 60, jti: 'once' },
      { typ: 'global-token-revocation+jwt' },
    );
    await fetch(audience, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sub_id: { format: 'email', email: endedFor } }),
    });
    const { id } = await owner.get<Json>('/v1/me');
    await owner.delete(`/v1/users/${id as string}/sso-link`);
    await owner.delete('/v1/account/sso');
  } finally {
    await provider.stop();
  }
}

/** Goes to the provider and comes back with the cookie that the answer has set. */
async function back(callback: string, to: string, answer: Response): Promise<Response> {
  const { search } = await new SiteBrowser().follow(to);
  const cookie = answer.headers.getSetCookie()[0]!.split(';', 1)[0]!;
  return fetch(callback + search, { redirect: 'manual', headers: { cookie } });
}
