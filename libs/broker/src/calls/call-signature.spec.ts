import { describe, expect, it } from '@jest/globals';
import { newServiceKey, publicServiceKey } from '#libs/local-servers';
import { CallSigner, CallVerifier, SIGNATURE_LIFETIME_MS } from './call-signature.js';
import { ServiceKeys } from './service-keys.js';

const [own, next, other] = [newServiceKey(), newServiceKey(), newServiceKey()];
const PUBLIC = {
  contacts: publicServiceKey(own),
  messaging: [publicServiceKey(next), publicServiceKey(other)],
};
const call = { subject: 'rpc.contacts.x', packet: '{}', authorization: '' };
const signer = (name: string, key: string) => new CallSigner(ServiceKeys.of(name, key, PUBLIC), 'test');
const verifier = () => new CallVerifier(ServiceKeys.of('contacts', own, PUBLIC));

describe('a signature', () => {
  it('names its caller once', () => {
    const [signature, verify] = [signer('contacts', own).sign(call), verifier()];
    expect(verify.verify(signature, call)).toEqual({ caller: 'contacts' });
    expect(verify.verify(signature, call)).toEqual({ fault: 'replayed' });
  });

  it('is accepted from either key of a caller whose key is being replaced', () => {
    for (const key of [next, other])
      expect(verifier().verify(signer('messaging', key).sign(call), call)).toEqual({ caller: 'messaging' });
  });

  it('is remembered for as long as it is valid', () => {
    const [verify, at] = [verifier(), 1_000_000];
    const signature = signer('contacts', own).sign(call, at);
    expect(verify.verify(signature, call, at - 5_000)).toEqual({ caller: 'contacts' });
    expect(verify.verify(signature, call, at + SIGNATURE_LIFETIME_MS)).toEqual({ fault: 'replayed' });
    expect(verify.verify(signature, call, at + SIGNATURE_LIFETIME_MS + 1)).toEqual({ fault: 'expired' });
    expect(verifier().verify(signature, call, at - 5_001)).toEqual({ fault: 'expired' });
  });

  it.each([
    '',
    'nonsense',
    'leaver-call-1.contacts.1.2',
    'leaver-call-2.contacts.1.2.3',
    'leaver-call-1.contacts.x.2.3',
  ])('is not accepted as %j', (text) => {
    expect(verifier().verify(text, call)).toEqual({ fault: text === '' ? 'unsigned' : expect.any(String) });
  });
});

describe('the keys of a service', () => {
  it('include its own', () => {
    expect(() => ServiceKeys.of('contacts', next, PUBLIC)).toThrow('do not contain the one of contacts');
    expect(() => ServiceKeys.of('telephony', own, PUBLIC)).toThrow('do not contain the one of telephony');
  });

  it('have 32 bytes', () => {
    expect(() => ServiceKeys.of('contacts', 'short', PUBLIC)).toThrow('32 bytes');
  });
});
