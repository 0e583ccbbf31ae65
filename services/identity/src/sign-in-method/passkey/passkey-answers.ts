import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { decodeAttestationObject, decodeClientDataJSON, isoBase64URL, isoCBOR } from '@simplewebauthn/server/helpers';

/** Larger than what authenticators send. */
const MAX_LENGTH = 20_000;
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];

/** What the browser has signed together with the challenge. */
export interface ClientData {
  challenge: string;
  origin: string;
}

type Fields = Record<string, unknown>;

/** Returns undefined for what no browser answers with to a sign-in. */
export function readAssertion(credential: Fields): AuthenticationResponseJSON | undefined {
  const fields = readFields(credential, ['authenticatorData', 'clientDataJSON', 'signature']);
  const { userHandle } = (credential.response ?? {}) as Fields;
  if (!fields || !(userHandle === undefined || userHandle === null || isShortText(userHandle))) return undefined;
  const { id, response } = fields;
  return { ...answerOf(id), response: { ...response, userHandle: userHandle ?? undefined } };
}

/**
 * Returns undefined for what no browser answers with to the making of a passkey. The attestation is left out: it is not asked
 * for, and checking its certificates would call addresses that they name.
 */
export function readRegistration(credential: Fields): RegistrationResponseJSON | undefined {
  const fields = readFields(credential, ['attestationObject', 'clientDataJSON']);
  if (!fields) return undefined;
  const attestationObject = withoutAttestation(fields.response.attestationObject);
  if (attestationObject === undefined) return undefined;
  return { ...answerOf(fields.id), response: { ...fields.response, attestationObject } };
}

/** How the browser can reach the authenticator again. */
export function transportsOf({ response }: Fields): string[] {
  const { transports } = (response ?? {}) as Fields;
  return Array.isArray(transports) ? TRANSPORTS.filter((one) => transports.includes(one)) : [];
}

/** Returns undefined for other texts, and for a page inside a page of another site. */
export function readClientData(clientDataJSON: string): ClientData | undefined {
  try {
    const { challenge, origin, crossOrigin } = decodeClientDataJSON(clientDataJSON);
    const isOurs = typeof challenge === 'string' && typeof origin === 'string' && crossOrigin !== true;
    return isOurs ? { challenge, origin } : undefined;
  } catch {
    return undefined;
  }
}

const answerOf = (id: string) => ({ id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} });

function readFields<Name extends string>(
  { id, rawId, type, response }: Fields,
  names: readonly Name[],
): { id: string; response: Record<Name, string> } | undefined {
  const given = (typeof response === 'object' && response !== null ? response : {}) as Record<Name, unknown>;
  if (!isShortText(id) || rawId !== id || type !== 'public-key') return undefined;
  if (!names.every((name) => isShortText(given[name]))) return undefined;
  const texts = Object.fromEntries(names.map((name) => [name, given[name]])) as Record<Name, string>;
  return { id, response: texts };
}

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_LENGTH;

function withoutAttestation(attestationObject: string): string | undefined {
  try {
    const authData = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject)).get('authData');
    const plain = new Map<string, string | Uint8Array | Map<string, string>>([
      ['fmt', 'none'],
      ['attStmt', new Map<string, string>()],
      ['authData', authData],
    ]);
    return isoBase64URL.fromBuffer(isoCBOR.encode(plain));
  } catch {
    return undefined;
  }
}
