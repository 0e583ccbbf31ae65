import tseslint from 'typescript-eslint';
import { needsReason } from './scripts/lint/needs-reason.mjs';

const PRODUCTION = ['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'];
/** Runs in browsers, where an unhandled rejection ends nothing. */
const CONSOLE = ['services/console/**'];
/** Tests, and what only tests and this machine's servers use. */
const NOT_PRODUCTION = ['**/*.spec.ts', '**/testing/**', '**/test-*.ts', 'libs/test-kit/**', 'libs/local-servers/**'];

/** A handler without a parameter cannot say what went wrong. */
const DROPPED_ERROR = [
  'CallExpression[callee.property.name="catch"] > ArrowFunctionExpression[params.length=0]',
  'CallExpression[callee.property.name="then"] > ArrowFunctionExpression.arguments:nth-child(2)[params.length=0]',
];

const DOUBLE_ASSERTION = {
  selector: 'TSAsExpression[expression.type="TSAsExpression"][expression.typeAnnotation.type="TSUnknownKeyword"]',
  message: '`as unknown as` switches the types off. Find the type that fits, or say in a comment why there is none.',
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.leaver/', '.cache/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-empty': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  {
    files: ['**/*.{ts,tsx}', '**/*.mjs', '**/*.js'],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'services/console/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      // A promise that is returned from inside `try` without `await` rejects where nothing catches it.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: PRODUCTION,
    ignores: [...NOT_PRODUCTION, ...CONSOLE],
    plugins: { leaver: { rules: { 'needs-reason': needsReason } } },
    rules: {
      // An unhandled rejection ends the process, which is right in a test. In a service each promise handles its errors.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      'leaver/needs-reason': [
        'error',
        ...DROPPED_ERROR.map((selector) => ({
          selector,
          message: 'An error is dropped here. Log it with safeErrorFields(), or say in a comment why nothing is lost.',
        })),
        DOUBLE_ASSERTION,
      ],
    },
  },
  // Which files of ours may be imported where is in scripts/lint/borders.mjs.
  {
    // Test files of a process share all other modules, and the first one would be bound to what Jest gives to one file.
    files: ['**/*.ts'],
    // The parts of the console's one test file are loaded with it alone.
    ignores: ['**/*.spec.ts', '**/*.e2e.ts', 'e2e/console/**', 'libs/scim/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: '@jest/globals', message: 'Only test files import it; other modules use the globals.' }] },
      ],
    },
  },
  {
    files: ['libs/scim/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^@nestjs/|^@mikro-orm/|^kysely$|^pg$',
              message: 'libs/scim is the protocol alone: it imports no framework and no database.',
            },
          ],
        },
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
      'faults/**/*.mjs',
      '*.js',
      'libs/test-kit/*.mjs',
    ],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: { 'no-console': 'off' },
  },
);
