// npm run test:faults: a thousand faults, or FAULTS_RUNS of them, of the sequence FAULTS_SEED, and each safeguard missing once.
process.env.FAULTS_RUNS ??= '1000';
process.argv.push('faults/');
await import('../scripts/test.mjs');
