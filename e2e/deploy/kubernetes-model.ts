import { execFileSync } from 'node:child_process';
import { documents, file } from './configuration.js';

export const FOLDER = 'deploy/kubernetes';

/** The parts of a Kubernetes object that the tests look at. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: Record<string, unknown>;
}

/** What kustomize makes of a folder; undefined where there is no kubectl. */
export function rendered(folder: string): Manifest[] | undefined {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return documents<Manifest>(execFileSync('kubectl', ['kustomize', file(`${FOLDER}/${folder}`)], { encoding: 'utf8' }));
}

export const ofKind = <S>(all: Manifest[], kind: string) =>
  all.filter((one) => one.kind === kind) as unknown as (Omit<Manifest, 'spec'> & { spec: S })[];

/** Whether a selector with these labels finds an object that has those. */
export const includes = (labels: Record<string, string>, wanted: Record<string, string>): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

interface Validator {
  (value: unknown): boolean;
  errors?: { instancePath: string; message?: string; keyword: string; params: object }[] | null;
}

/** Modules of kubernetes-models that check an object of this version and kind. */
const SCHEMAS: Record<string, string> = {
  'v1/Namespace': 'CoreV1Namespace',
  'v1/ConfigMap': 'CoreV1ConfigMap',
  'v1/Secret': 'CoreV1Secret',
  'v1/Service': 'CoreV1Service',
  'apps/v1/Deployment': 'AppsV1Deployment',
  'batch/v1/Job': 'BatchV1Job',
  'policy/v1/PodDisruptionBudget': 'PolicyV1PodDisruptionBudget',
  'autoscaling/v2/HorizontalPodAutoscaler': 'AutoscalingV2HorizontalPodAutoscaler',
  'networking.k8s.io/v1/NetworkPolicy': 'NetworkingV1NetworkPolicy',
};

/** Whether Kubernetes itself has this kind of object; operators add others. */
export const isOfKubernetes = ({ apiVersion, kind }: Manifest): boolean => `${apiVersion}/${kind}` in SCHEMAS;

/** Why Kubernetes would refuse an object: wrong types, missing fields and unknown fields. */
export async function faultsOf(manifest: Omit<Manifest, 'spec'>): Promise<string[]> {
  const schema = SCHEMAS[`${manifest.apiVersion}/${manifest.kind}`]!;
  const { validate } = (await import(`kubernetes-models/_schemas/IoK8sApi${schema}`)) as { validate: Validator };
  const read = new Set<string>();
  const valid = validate(watched(manifest, '', read));
  const wrong = valid ? [] : validate.errors!.map((error) => `${error.instancePath}: ${JSON.stringify(error.params)}`);
  return [...wrong, ...unread(manifest, '', read).map((path) => `${path}: unknown`)];
}

/** Records which fields a validator reads. It reads only those it knows: the others are unknown to it. */
function watched<T>(value: T, path: string, read: Set<string>): T {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol') return inner;
      read.add(`${path}/${key}`);
      return watched(inner, `${path}/${key}`, read);
    },
  });
}

function unread(value: unknown, path: string, read: Set<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    read.has(`${path}/${key}`) ? unread(inner, `${path}/${key}`, read) : [`${path}/${key}`],
  );
}
