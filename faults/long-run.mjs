// npm run test:faults: a thousand faults, or FAULTS_RUNS, in the order of the seed FAULTS_SEED, and one run without each safeguard.
process.env.FAULTS_RUNS ??= '1000';
process.argv.push('faults/');
await import('../scripts/test.mjs');
