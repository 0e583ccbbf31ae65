import { describe, expect, it } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { manifests } from '../../deploy/container/kubernetes-secrets.mjs';
import {
  CERTIFICATE,
  decoded,
  documents,
  file,
  imageSets,
  secretsToTry,
  SERVICES,
  unknownVariables,
  text,
} from './configuration.js';
import { FOLDER, faultsOf, includes, isOfKubernetes, ofKind, rendered, type Manifest } from './kubernetes-model.js';

const OVERLAYS = ['small', 'production'];
const DATA_SERVICES = SERVICES.filter((name) => name !== 'gateway');

const [small, production, migrate, commandLine] = [
  'overlays/small',
  'overlays/production',
  'migrate',
  'command-line',
].map(rendered);
const ifRendered = small ? describe : describe.skip;

interface Env {
  name: string;
  value: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string } };
}
interface Container {
  name: string;
  args: string[];
  image: string;
  env?: Env[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  securityContext: object;
  volumeMounts: { name: string; mountPath: string }[];
  [probe: string]: unknown;
}
interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  securityContext: object;
  volumes: { name: string; secret?: { secretName: string } }[];
}
interface Workload {
  selector?: { matchLabels: Record<string, string> };
  template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
}

const secrets = secretsToTry({ authority: '' });
const secretManifests = manifests(secrets);

const secretNamed = (name: string) => decoded(secretManifests.find(({ metadata }) => metadata.name === name)!.data);
/** What is mounted into every pod. */
const TRUSTED = { 'ca.crt': CERTIFICATE };

describe('the files of deploy/kubernetes', () => {
  const files = readdirSync(file(FOLDER), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yaml'),
  );

  it.each(files)('%s is YAML without duplicate keys', (name) => {
    expect(documents(text(`${FOLDER}/${name}`)).length).toBeGreaterThan(0);
  });
});

ifRendered.each(OVERLAYS)('the overlay %s', (overlay) => {
  const all = (overlay === 'small' ? small : production) ?? [];
  const deployments = ofKind<Workload>(all, 'Deployment');
  const deployment = (name: string) => deployments.find(({ metadata }) => metadata.name === name)!;
  const container = (name: string) => deployment(name).spec.template.spec.containers[0]!;

  it('contains nothing that Kubernetes would refuse or ignore', async () => {
    const checked = all.filter(isOfKubernetes);
    expect(checked.length).toBeGreaterThan(30);
    for (const manifest of checked)
      expect([manifest.kind, manifest.metadata.name, await faultsOf(manifest)]).toEqual([
        manifest.kind,
        manifest.metadata.name,
        [],
      ]);
  });

  it('runs every service, with a Service and a PodDisruptionBudget that select its pods', () => {
    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual([...SERVICES].sort());
    for (const { metadata, spec } of deployments) {
      const { labels } = spec.template.metadata;
      expect(includes(labels, spec.selector!.matchLabels)).toBe(true);
      const [service] = ofKind<{ selector: Record<string, string>; ports: { targetPort: string }[] }>(
        all,
        'Service',
      ).filter((one) => one.metadata.name === metadata.name);
      const found = deployments.filter((one) => includes(one.spec.template.metadata.labels, service!.spec.selector));
      expect(found.map((one) => one.metadata.name)).toEqual([metadata.name]);
      // The metrics are for Prometheus, which asks each pod.
      expect(service!.spec.ports.map(({ targetPort }) => targetPort)).toEqual(['http']);
      const [budget] = ofKind<Workload>(all, 'PodDisruptionBudget').filter(
        (one) => one.metadata.name === metadata.name,
      );
      expect(includes(labels, budget!.spec.selector!.matchLabels)).toBe(true);
    }
  });

  it.each(SERVICES)('gives %s complete and known settings, from its own secrets', async (name) => {
    const { env = [], envFrom = [], args, volumeMounts } = container(name);
    const maps = ofKind<never>(all, 'ConfigMap') as unknown as {
      metadata: { name: string };
      data: Record<string, string>;
    }[];
    const shared = maps.find(({ metadata }) => metadata.name === envFrom[0]!.configMapRef.name)!.data;
    expect(args).toEqual([name]);
    const [secret] = deployment(name).spec.template.spec.volumes.filter((volume) => volume.secret);
    expect(secret!.secret!.secretName).toBe(`leaver-${name}`);
    expect(volumeMounts).toContainEqual(
      expect.objectContaining({ name: secret!.name, mountPath: '/run/secrets/leaver' }),
    );
    const settings = { ...shared, ...Object.fromEntries(env.map((one) => [one.name, one.value])) };
    for (const [variable, value] of Object.entries(settings))
      if (variable.endsWith('_FILE')) expect(value).toMatch(/^\/run\/secrets\/(leaver\/|leaver-ca\/ca\.crt$)/);
    expect(await unknownVariables(name, settings, { ...secretNamed(`leaver-${name}`), ...TRUSTED })).toEqual([]);
    expect(settings.NATS_REPLICAS).toBe(overlay === 'small' ? '1' : '3');
  });

  it('probes health where the image answers, and runs pods without privileges', () => {
    const user = Number(/USER (\d+)/.exec(text('deploy/Dockerfile'))![1]);
    for (const { spec } of deployments) {
      const [only] = spec.template.spec.containers;
      expect(only!.ports).toEqual([
        { name: 'http', containerPort: imageSets('PORT') },
        { name: 'metrics', containerPort: imageSets('METRICS_PORT') },
      ]);
      for (const probe of ['startupProbe', 'livenessProbe'])
        expect(only![probe]).toMatchObject({ httpGet: { path: '/health/live', port: 'http' } });
      expect(only!.readinessProbe).toMatchObject({ httpGet: { path: '/health/ready', port: 'http' } });
      expect(confined(spec.template.spec)).toEqual(confinement(user));
    }
  });

  it('has the labels and the port that the PodMonitor looks for', () => {
    const [monitor] = documents<{ spec: PodMonitor }>(text(`${FOLDER}/monitoring/pod-monitor.yaml`));
    const { jobLabel, selector, podMetricsEndpoints } = monitor!.spec;
    for (const { metadata, spec } of deployments) {
      const { labels } = spec.template.metadata;
      expect(includes(labels, selector.matchLabels)).toBe(true);
      expect([labels[jobLabel], labels['app.kubernetes.io/name']]).toEqual(['leaver', metadata.name]);
      const ports = container(metadata.name).ports!.map(({ name }) => name);
      expect(ports).toContain(podMetricsEndpoints[0].port);
    }
  });

  it('denies all traffic by default, and gives the gateway no database', () => {
    const policies = ofKind<{ podSelector: Record<string, unknown>; policyTypes: string[] }>(all, 'NetworkPolicy');
    expect(policies.map(({ spec }) => spec)).toContainEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const withDatabase = deployments.filter(({ spec }) => spec.template.metadata.labels['leaver/database'] === 'true');
    expect(withDatabase.map(({ metadata }) => metadata.name).sort()).toEqual([...DATA_SERVICES].sort());
    const labels = [...deployments, ...ofKind<Workload>([...migrate!, ...commandLine!], 'Job')].map(
      ({ spec }) => spec.template.metadata.labels,
    );
    const ours = policies
      .map(({ spec }) => (spec.podSelector as { matchLabels?: Record<string, string> }).matchLabels ?? {})
      .filter((wanted) => Object.keys(wanted).some((key) => key.startsWith('leaver/')));
    expect(ours.length).toBeGreaterThan(1);
    for (const wanted of ours) expect(labels.some((one) => includes(one, wanted))).toBe(true);
  });
});

interface PodMonitor {
  jobLabel: string;
  selector: { matchLabels: Record<string, string> };
  podMetricsEndpoints: [{ port: string }];
}

/** The security settings of a pod that the tests compare. */
const confined = ({ securityContext, containers, initContainers = [] }: PodSpec) => ({
  pod: securityContext,
  containers: [...new Set([...containers, ...initContainers].map((one) => JSON.stringify(one.securityContext)))].map(
    (one) => JSON.parse(one) as object,
  ),
});
const confinement = (user: number) => ({
  pod: {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  containers: [{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }],
});

ifRendered('the job that migrates', () => {
  const [job] = ofKind<Workload>(migrate ?? [], 'Job');
  const pod = job?.spec.template.spec as PodSpec;

  it('is valid for Kubernetes, and has no more privileges than the services', async () => {
    expect(await faultsOf(migrate![0]!)).toEqual([]);
    expect(confined(pod)).toEqual(confinement(1000));
  });

  it('reads files of its secret, each for the variable of the same name', () => {
    expect(pod.volumes[0]!.secret!.secretName).toBe('leaver-jobs');
    const written = Object.keys(secretNamed('leaver-jobs'));
    for (const { env = [] } of [...pod.initContainers!, ...pod.containers])
      for (const { name, value } of env.filter((one) => one.name.endsWith('_FILE'))) {
        const key = value.replace('/run/secrets/leaver/', '');
        expect(written).toContain(key);
        expect(`${key.toUpperCase().replaceAll('-', '_')}_FILE`).toBe(name);
      }
    const owners = pod.containers[0]!.env!.filter(({ name }) => name.includes('_OWNER_'));
    expect(owners).toHaveLength(DATA_SERVICES.length);
  });

  it('reaches the PostgreSQL that the operator runs, as its superuser', () => {
    const [cluster] = documents<Manifest>(text(`${FOLDER}/postgres/production.yaml`));
    const { name } = cluster!.metadata;
    expect(cluster!.spec).toMatchObject({ enableSuperuserAccess: true });
    const env = pod.initContainers![0]!.env!;
    expect(env[0]!.valueFrom!.secretKeyRef).toEqual({ name: `${name}-superuser`, key: 'password' });
    expect(env.find((one) => one.name === 'ADMIN_DATABASE_URL')!.value).toContain(`@${name}-rw:5432/`);
  });
});

ifRendered('the pod for the command line', () => {
  const [job] = ofKind<Workload>(commandLine ?? [], 'Job');
  const pod = job?.spec.template.spec as PodSpec;

  it('is valid for Kubernetes, and has no more privileges than the services', async () => {
    expect(await faultsOf(commandLine![0]!)).toEqual([]);
    expect(confined(pod)).toEqual(confinement(1000));
  });

  it('has the credentials of the broker’s operator, and a place for a token', () => {
    expect(pod.volumes[0]!.secret!.secretName).toBe('leaver-operator');
    const env = Object.fromEntries(pod.containers[0]!.env!.map(({ name, value }) => [name, value]));
    const written = Object.keys(secretNamed('leaver-operator'));
    expect(written.map((name) => `/run/secrets/leaver/${name}`)).toEqual([env.NATS_URL_FILE, env.SERVICE_KEY_FILE]);
    const [, home] = /^ENV LEAVER_HOME=(\S+)$/m.exec(text('deploy/Dockerfile'))!;
    expect(pod.containers[0]!.volumeMounts.map(({ mountPath }) => mountPath)).toContain(home);
  });

  it('finds the gateway at its Service', () => {
    const { host } = new URL(pod.containers[0]!.env!.find(({ name }) => name === 'LEAVER_URL')!.value);
    expect(ofKind(production!, 'Service').map(({ metadata }) => metadata.name)).toContain(host);
  });
});

ifRendered('images', () => {
  it('are the same everywhere, of the version in package.json', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    const all = [...small!, ...production!, ...migrate!, ...commandLine!];
    const workloads = [...ofKind<Workload>(all, 'Deployment'), ...ofKind<Workload>(all, 'Job')];
    const images = workloads.flatMap(({ spec }) => {
      const { containers, initContainers = [] } = spec.template.spec;
      return [...containers, ...initContainers].map(({ image }) => image);
    });
    expect(new Set(images)).toEqual(new Set([`registry.example.com/leaver:${version}`]));
  });
});

ifRendered('scaling', () => {
  const scaled = ofKind<Scaling>(production ?? [], 'ScaledObject');

  it('follows the consumers that the services really have', () => {
    for (const { metadata, spec } of scaled) {
      expect(spec.scaleTargetRef.name).toBe(metadata.name);
      const [{ metadata: trigger }] = spec.triggers;
      const isIdentity = metadata.name === 'identity';
      const rest = isIdentity ? 'departures/track/receipts.consumer.ts' : `${metadata.name}.module.ts`;
      const source = text(`services/${metadata.name}/src/${rest}`);
      expect(source).toMatch(new RegExp(`(consumer|durable): '${trigger.consumer}'`));
      expect(trigger).toMatchObject({ stream: isIdentity ? 'DEPARTURES' : 'USERS', account: 'STREAMS' });
      const reader = isIdentity ? 'identity-streams' : metadata.name;
      const { publish } = secrets.brokerUsers().find(({ name }) => name === reader)!;
      expect(publish).toContain(isIdentity ? '$JS.ACK.>' : `$JS.ACK.USERS.${trigger.consumer}.>`);
    }
  });

  it('is decided for every service by exactly one', () => {
    const targets = [...scaled, ...ofKind<Scaling>(production!, 'HorizontalPodAutoscaler')];
    expect(targets.map(({ spec }) => spec.scaleTargetRef.name).sort()).toEqual([...SERVICES].sort());
    for (const { spec } of ofKind<Workload>(production!, 'Deployment')) expect(spec).not.toHaveProperty('replicas');
  });
});

interface Scaling {
  scaleTargetRef: { name: string };
  triggers: [{ metadata: { stream: string; consumer: string } }];
}
