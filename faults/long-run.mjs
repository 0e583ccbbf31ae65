// npm run test:faults: 1000 faults, or FAULTS_RUNS, in the order given by FAULTS_SEED, and one run without each safeguard.
process.env.FAULTS_RUNS ??= '1000';
process.argv.push('faults/');
await import('../scripts/test.mjs');
