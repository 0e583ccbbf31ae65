import { Secret, TOTP } from 'otpauth';
import { DEMO_PASSWORD, type DemoAccount } from '../../scripts/demo/account.mjs';
import { TestBrowser } from '../../services/identity/src/testing/browser.js';
import type { Api } from './api.js';
import { signIn, type Place } from './cast.js';
import { PUBLIC_URL } from './foundation.js';

/** Sets up an authenticator app and a passkey, removes the passkey, and has the owner reset the rest. */
export async function useSignInMethods(
  place: Place & { clock: { millis(): number } },
  { owner, colleagues: [, lena] }: DemoAccount,
): Promise<void> {
  const session = await signIn(place, lena.email);
  const { secret } = await session.post('/v1/me/totp');
  const app = new TOTP({ secret: Secret.fromBase32(secret as string) });
  await session.post('/v1/me/totp/confirm', { code: app.generate({ timestamp: place.clock.millis() }) });
  await session.get('/v1/me/totp');
  await session.post('/v1/me/recovery-codes');
  const browser = await TestBrowser.start();
  try {
    const authenticator = await browser.open({ origin: PUBLIC_URL });
    const credential = await authenticator.create(await optionsOf(session, '/v1/me/passkeys/options'));
    const passkey = await session.post('/v1/me/passkeys', { name: 'Laptop', credential });
    await session.get('/v1/me/passkeys');
    const nobody = place.api();
    const signed = await authenticator.get(await optionsOf(nobody, '/v1/auth/passkey/options'));
    await nobody.post('/v1/auth/login', { passkey: signed });
    await session.delete(`/v1/me/passkeys/${passkey.id as string}`);
    await session.delete('/v1/me/totp');
  } finally {
    await browser.close();
  }
  const { accessToken } = await place.api().post('/v1/auth/login', { email: owner.email, password: DEMO_PASSWORD });
  await place.api(accessToken as string).delete(`/v1/users/${lena.user.id}/sign-in-methods`);
}

const optionsOf = async (api: Api, path: string) => (await api.post(path)).publicKey as object;
