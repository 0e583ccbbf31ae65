import { KEY_PURPOSES, type Schema } from '#libs/contracts';

const KEY: Schema = {
  type: 'object',
  properties: {
    kty: { type: 'string' },
    crv: { type: 'string' },
    kid: { type: 'string' },
    alg: { type: 'string' },
    use: { type: 'string' },
    x: { type: 'string' },
    purpose: {
      type: 'string',
      enum: [...KEY_PURPOSES],
      description:
        'What the key signs. Absent for a key from before keys had purposes: it verifies what it signed then.',
    },
    revoked: {
      type: 'object',
      description:
        'Only of a stolen key (OpenID Federation 1.0): its signatures from `revoked_at` on count for nothing. A certificate from before counts only if it is in the log.',
      properties: {
        revoked_at: { type: 'integer', description: 'Seconds since 1970.' },
        reason: { type: 'string', enum: ['compromised'] },
      },
      required: ['revoked_at', 'reason'],
    },
  },
  required: ['kty', 'crv', 'kid', 'alg', 'use', 'x'],
};

/** The public keys as a JWK set. */
export const KEYS: Schema = {
  type: 'object',
  properties: { keys: { type: 'array', items: KEY } },
  required: ['keys'],
};

export const KEYS_EXAMPLE = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      kid: 'k1',
      alg: 'EdDSA',
      use: 'sig',
      purpose: 'certificates',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    },
  ],
};

export const KEYS_PARAMETERS = [
  {
    name: 'purpose',
    in: 'query',
    required: false,
    description: 'Only the keys whose signatures can count for this purpose.',
    schema: { type: 'string', enum: [...KEY_PURPOSES] },
  },
];
