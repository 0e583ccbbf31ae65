/** One suite for everything: each file brings its own databases and broker, so files run side by side. */
export default {
  runtime: '<rootDir>/libs/test-kit/jest.runtime.mjs',
  testEnvironment: '<rootDir>/libs/test-kit/jest.environment.mjs',
  testSequencer: '<rootDir>/libs/test-kit/jest.sequencer.mjs',
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/e2e', '<rootDir>/examples', '<rootDir>/faults'],
  testRegex: '\\.spec\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^#libs/(lifecycle|platform)/testing$': '<rootDir>/libs/$1/testing/index.ts',
    '^#libs/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    // The examples import the packed libraries; here those they are made of.
    '^@leaver/service-kit/testing$': '<rootDir>/libs/lifecycle/testing/index.ts',
    '^@leaver/service-kit/([a-z]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  globalSetup: '<rootDir>/libs/test-kit/jest.setup.mjs',
  globalTeardown: '<rootDir>/libs/test-kit/jest.teardown.mjs',
  // The tests wait for servers more than they compute: both cores of a small machine are worth using. With more processes
  // than cores, the test under load measures the machine. A percentage above 100 would be taken as a number of processes.
  maxWorkers: '100%',
  // What modules have been told of stays in memory, some 6 MB with each file: a process is replaced now and then.
  workerIdleMemoryLimit: '900MB',
  // A process that was replaced after the last file is still starting when Jest ends it. Jest waits 500 ms by default, then
  // kills it and warns of a leak.
  workerGracefulExitTimeout: 30_000,
  testTimeout: 60_000,
};
