import tseslint from 'typescript-eslint';

const because = {
  service:
    'Services never import each other: they meet in events and operations. Move what both need into libs/contracts.',
  lib: 'Libraries never import services: whoever uses a library decides what it is for. Pass it in instead.',
  example: 'Examples are what other teams write: they have the published package and nothing of ours.',
  contracts: 'libs/contracts is what other teams depend on: it imports nothing of ours.',
  scim: 'libs/scim is the protocol alone: it imports libs/contracts and no framework or database.',
};
const names = ['gateway', 'identity', 'contacts', 'messaging', 'telephony', 'automations', 'integrations', 'insights'];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.leaver/', '.cache/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  ...names.map((name) => ({
    files: [`services/${name}/**/*.ts`],
    rules: {
      'no-restricted-imports': /** @type {['error', object]} */ ([
        'error',
        { patterns: [{ regex: `(^|/)(${names.filter((n) => n !== name).join('|')})/src/`, message: because.service }] },
      ]),
    },
  })),
  {
    files: ['libs/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '(^|/)services/', message: because.lib }] }] },
  },
  {
    files: ['libs/scim/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^#libs/(?!contracts$)|(^|/)services/|^@nestjs/|^@mikro-orm/|^kysely$|^pg$',
              message: because.scim,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['examples/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^#libs/|\\.\\./', message: because.example }] }],
    },
  },
  {
    files: ['libs/contracts/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^#libs/|(^|/)services/|\\.\\./\\.\\./', message: because.contracts }] },
      ],
    },
  },
  {
    files: [
      'cli/**',
      'scripts/**',
      'deploy/container/**',
      'e2e/**/*.mjs',
      'examples/**/*.mjs',
      'faults/*.mjs',
      '*.js',
      'libs/test-kit/*.mjs',
    ],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: { 'no-console': 'off' },
  },
);
