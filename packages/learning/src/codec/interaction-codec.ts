import type { CallEnding, CallInteraction, FeedbackInteraction, Interaction, SearchInteraction, ShownTool } from '../interaction.ts';
import { WireReader, type WireWriter } from './wire.ts';

const ENDINGS: readonly CallEnding[] = ['ok', 'toolError', 'refused', 'timeout', 'cancelled', 'unavailable'];
const KINDS = { call: 1, search: 2, feedback: 3 } as const;
const ORIGIN = 4;

/** Writes a fact as the message `Interaction` of `learning.proto`. */
export function writeInteraction(writer: WireWriter, fact: Interaction): void {
  writer.message(KINDS[fact.kind], (inner) => {
    if (fact.kind === 'call') writeCall(inner, fact);
    else if (fact.kind === 'search') writeSearch(inner, fact);
    else writeFeedback(inner, fact);
  });
  writer.message(ORIGIN, (inner) => {
    inner.uint(1, fact.sequence);
    inner.double(2, fact.atMs);
    inner.text(3, fact.tenant);
    inner.text(4, fact.principal);
    inner.text(5, fact.session);
    inner.text(6, fact.client);
    inner.uint(7, fact.policyVersion);
    for (const arm of fact.arms) inner.element(8, arm);
  });
}

function writeCall(writer: WireWriter, fact: CallInteraction): void {
  writer.text(1, fact.upstream);
  writer.text(2, fact.tool);
  writer.text(3, fact.toolVersion);
  writer.text(4, fact.argsKey);
  for (const argument of fact.argsShape) writer.element(5, argument);
  writer.uint(6, fact.argsBytes);
  writer.uint(7, fact.resultBytes);
  writer.text(8, fact.resultKey);
  writer.uint(9, ENDINGS.indexOf(fact.ending));
  writer.text(10, fact.errorCode);
  writer.double(11, fact.durationMs);
  writer.double(12, fact.queueMs);
  writer.uint(13, fact.attempts);
  writer.bool(14, fact.cached);
}

function writeSearch(writer: WireWriter, fact: SearchInteraction): void {
  for (const features of fact.needs) writer.message(1, (inner) => inner.fixed32s(1, features));
  for (const { upstream, tool, staticRank, propensity } of fact.shown)
    writer.message(2, (inner) => {
      inner.text(1, upstream);
      inner.text(2, tool);
      inner.uint(3, staticRank);
      inner.double(4, propensity);
    });
}

function writeFeedback(writer: WireWriter, fact: FeedbackInteraction): void {
  writer.text(1, fact.upstream);
  writer.text(2, fact.tool);
  writer.double(3, fact.verdict);
  writer.fixed32s(4, fact.need);
}

type Mutable<Kind> = { -readonly [Member in keyof Kind]: Kind[Member] };

/** Reads what `writeInteraction` has written, also by a later version. @throws GatewayError `INTERNAL` for other bytes. */
export function readInteraction(bytes: Uint8Array): Interaction {
  const reader = new WireReader(bytes);
  let fact: Omit<CallInteraction, keyof Origin> | Omit<SearchInteraction, keyof Origin> | Omit<FeedbackInteraction, keyof Origin> =
    readCall(new Uint8Array());
  let origin = readOrigin(new Uint8Array());
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === KINDS.call) fact = readCall(reader.bytes());
    else if (field === KINDS.search) fact = readSearch(reader.bytes());
    else if (field === KINDS.feedback) fact = readFeedback(reader.bytes());
    else if (field === ORIGIN) origin = readOrigin(reader.bytes());
    else reader.skip();
  }
  return { ...origin, ...fact } as Interaction;
}

type Origin = Pick<CallInteraction, 'sequence' | 'atMs' | 'tenant' | 'principal' | 'session' | 'client' | 'policyVersion' | 'arms'>;

function readOrigin(bytes: Uint8Array): Origin {
  const reader = new WireReader(bytes);
  const arms: string[] = [];
  const origin: Mutable<Origin> = { sequence: 0, atMs: 0, tenant: '', principal: '', session: '', client: '', policyVersion: 0, arms };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case 1:
        origin.sequence = reader.uint();
        break;
      case 2:
        origin.atMs = reader.double();
        break;
      case 3:
        origin.tenant = reader.text();
        break;
      case 4:
        origin.principal = reader.text();
        break;
      case 5:
        origin.session = reader.text();
        break;
      case 6:
        origin.client = reader.text();
        break;
      case 7:
        origin.policyVersion = reader.uint();
        break;
      case 8:
        arms.push(reader.text());
        break;
      default:
        reader.skip();
    }
  }
  return origin;
}

function readCall(bytes: Uint8Array): Omit<CallInteraction, keyof Origin> {
  const reader = new WireReader(bytes);
  const argsShape: string[] = [];
  const call: Mutable<Omit<CallInteraction, keyof Origin>> = {
    kind: 'call',
    upstream: '',
    tool: '',
    toolVersion: '',
    argsKey: '',
    argsShape,
    argsBytes: 0,
    resultBytes: 0,
    resultKey: '',
    ending: 'ok',
    errorCode: '',
    durationMs: 0,
    queueMs: 0,
    attempts: 0,
    cached: false,
  };
  const readers: Readonly<Record<number, () => void>> = {
    1: () => void (call.upstream = reader.text()),
    2: () => void (call.tool = reader.text()),
    3: () => void (call.toolVersion = reader.text()),
    4: () => void (call.argsKey = reader.text()),
    5: () => void argsShape.push(reader.text()),
    6: () => void (call.argsBytes = reader.uint()),
    7: () => void (call.resultBytes = reader.uint()),
    8: () => void (call.resultKey = reader.text()),
    9: () => void (call.ending = ENDINGS[reader.uint()] ?? 'unavailable'),
    10: () => void (call.errorCode = reader.text()),
    11: () => void (call.durationMs = reader.double()),
    12: () => void (call.queueMs = reader.double()),
    13: () => void (call.attempts = reader.uint()),
    14: () => void (call.cached = reader.bool()),
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) (readers[field] ?? (() => reader.skip()))();
  return call;
}

function readSearch(bytes: Uint8Array): Omit<SearchInteraction, keyof Origin> {
  const reader = new WireReader(bytes);
  const needs: number[][] = [];
  const shown: ShownTool[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) needs.push(readNeedFeatures(reader.bytes()));
    else if (field === 2) shown.push(readShown(reader.bytes()));
    else reader.skip();
  }
  return { kind: 'search', needs, shown };
}

function readNeedFeatures(bytes: Uint8Array): number[] {
  const reader = new WireReader(bytes);
  let features: number[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) features = [...features, ...reader.fixed32s()];
    else reader.skip();
  }
  return features;
}

function readShown(bytes: Uint8Array): ShownTool {
  const reader = new WireReader(bytes);
  const shown: Mutable<ShownTool> = { upstream: '', tool: '', staticRank: 0, propensity: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) shown.upstream = reader.text();
    else if (field === 2) shown.tool = reader.text();
    else if (field === 3) shown.staticRank = reader.uint();
    else if (field === 4) shown.propensity = reader.double();
    else reader.skip();
  }
  return shown;
}

function readFeedback(bytes: Uint8Array): Omit<FeedbackInteraction, keyof Origin> {
  const reader = new WireReader(bytes);
  const feedback: Mutable<Omit<FeedbackInteraction, keyof Origin>> = { kind: 'feedback', upstream: '', tool: '', verdict: 0, need: [] };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) feedback.upstream = reader.text();
    else if (field === 2) feedback.tool = reader.text();
    else if (field === 3) feedback.verdict = reader.double();
    else if (field === 4) feedback.need = reader.fixed32s();
    else reader.skip();
  }
  return feedback;
}
