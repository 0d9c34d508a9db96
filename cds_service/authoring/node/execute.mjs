/**
 * Evaluates ELM with cql-execution, an engine that is not ours: the second opinion of the differential test and the
 * yardstick of the benchmark. Never part of the running service.
 *
 * Input (JSON on stdin):
 *   { "libraries": [ELM of every library, included ones too], "evaluate": [names of the libraries whose definitions count],
 *     "now": ISO date-time with offset, "valueSets": { url: ["system|code", ...] },
 *     "cases": [ { "resources": [FHIR resource], "parameters": { name: value as `encode` writes it } } ],
 *     "rounds": 0 or, to measure, how often to evaluate all cases, "warmUp": rounds before the measurement }
 * Output (JSON on stdout):
 *   { "results": [per case { library: { definition: encoded value } }], "seconds": CPU seconds of each measured round }
 */
import fs from "node:fs";
import cql from "cql-execution";
import fhir from "cql-exec-fhir";

process.env.TZ = "UTC";
const { Code, CodeService, Concept, DateTime, Executor, Library, PatientContext, Quantity, Repository } = cql;

/** Value sets as plain lists of "system|code"; a code without a system matches an entry of any system. */
class MemberSet extends cql.ValueSet {
  constructor(url, members) {
    const split = (member) => member.split("|");
    super(url, undefined, members.map(split).map(([system, code]) => new Code(code, system)));
    this.members = new Set(members);
  }

  hasMatch(value) {
    if (value == null) return false;
    if (Array.isArray(value)) return value.some((each) => this.hasMatch(each));
    if (Array.isArray(value.codes)) return this.hasMatch(value.codes);
    if (typeof value === "string") return this.codes.some((code) => code.code === value);
    return this.members.has(`${value.system ?? ""}|${value.code}`);
  }
}

function codeService(valueSets) {
  const service = new CodeService({});
  const sets = new Map(Object.entries(valueSets).map(([url, members]) => [url, new MemberSet(url, members)]));
  service.findValueSet = (url) => sets.get(url) ?? null;
  service.findValueSetsByOid = (url) => (sets.has(url) ? [sets.get(url)] : []);
  return service;
}

/** A number as text, to eight decimal places: CQL's Decimal, whatever the engine counts with. */
function number(value) {
  const text = value.toFixed(8).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}

function dateTime(value) {
  const known = value.hour == null ? value : value.convertToTimezoneOffset(0);
  const part = (name, separator, length = 2) =>
    known[name] == null ? "" : separator + String(known[name]).padStart(length, "0");
  return (
    part("year", "", 4) + part("month", "-") + part("day", "-") + part("hour", "T") + part("minute", ":") +
    part("second", ":") + part("millisecond", ".", 3)
  );
}

/** A CQL or FHIR value in the one form in which the engines are compared; tags keep equal texts of two types apart. */
function encode(value) {
  if (value == null) return null;
  if (typeof value === "number") return { number: number(value) };
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(encode);
  if (value.isTime?.()) return { time: dateTime(value).replace(/^[^T]*T/, "") };
  if (value.isDateTime) return { dateTime: dateTime(value) };
  if (value.isDate) return { date: value.toString() };
  if (value.isUncertainty) return { uncertain: [encode(value.low), encode(value.high)] };
  if (value.isInterval) {
    const { low, high, lowClosed, highClosed } = value;
    return { interval: [encode(low), encode(high)], closed: [Boolean(lowClosed), Boolean(highClosed)] };
  }
  if (value.isQuantity) return { quantity: [number(value.value), value.unit || "1"] };
  if (value.isCode) return { code: [value.system ?? null, value.code ?? null] };
  if (value.isConcept) return { concept: value.codes.map(encode) };
  if ("_json" in value) return fhirValue(value);
  return { tuple: Object.fromEntries(Object.keys(value).sort().map((key) => [key, encode(value[key])])) };
}

/** Resources by reference, primitives as their values, other FHIR data as they came. */
function fhirValue(value) {
  const json = value._json;
  if (json?.resourceType) return { resource: `${json.resourceType}/${json.id}` };
  const isPrimitive = value.getTypeInfo().findElement("value")?.typeSpecifier.namespace === "System";
  return isPrimitive ? encode(json.value) : { fhir: json };
}

/** The parameter values that rules take, from the form that `encode` writes. */
function decode(value) {
  if (value == null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decode);
  if (value.number != null) return Number(value.number);
  if (value.date != null) return cql.Date.parse(value.date);
  if (value.dateTime != null) return DateTime.parse(value.dateTime);
  if (value.code != null) return new Code(value.code[1], value.code[0] ?? undefined);
  if (value.concept != null) return new Concept(value.concept.map(decode));
  if (value.quantity != null) return new Quantity(Number(value.quantity[0]), value.quantity[1]);
  throw new Error(`cannot read parameter value ${JSON.stringify(value)}`);
}

const model = fhir.PatientSource.FHIRv401();

/** The patient and the records of one case, as cql-exec-fhir presents them. */
function patientOf({ resources }) {
  model.reset();
  model.loadBundles([{ resourceType: "Bundle", type: "collection", entry: resources.map((resource) => ({ resource })) }]);
  return model.currentPatient();
}

/** A patient source of one patient. */
class OnePatient {
  constructor(patient) {
    this.patient = patient;
  }

  currentPatient() {
    return this.patient;
  }

  nextPatient() {
    this.patient = null;
    return null;
  }
}

/** Every definition of a library, each on its own: one that fails does not hide the others. */
async function evaluateApart(library, patient, service, parameters, now) {
  const context = new PatientContext(library, patient, service, parameters, now);
  const values = {};
  for (const [name, definition] of Object.entries(library.expressions)) {
    try {
      values[name] = encode(await definition.execute(context));
    } catch (error) {
      values[name] = { error: error.message };
    }
  }
  return values;
}

const request = JSON.parse(fs.readFileSync(0, "utf8"));
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

const repository = new Repository(Object.fromEntries(request.libraries.map((elm) => [elm.library.identifier.id, elm])));
const libraries = request.libraries
  .filter((elm) => request.evaluate.includes(elm.library.identifier.id))
  .map((elm) => new Library(elm, repository));
const service = codeService(request.valueSets);
const now = DateTime.parse(request.now);
const cases = request.cases.map((each) => ({
  patient: patientOf(each),
  parameters: Object.fromEntries(Object.entries(each.parameters).map(([name, value]) => [name, decode(value)])),
}));

async function evaluateAll() {
  for (const { patient, parameters } of cases) {
    for (const library of libraries) {
      await new Executor(library, service, parameters).exec(new OnePatient(patient), now);
    }
  }
}

const results = [];
const seconds = [];
if (!request.rounds) {
  for (const { patient, parameters } of cases) {
    const values = {};
    for (const library of libraries) {
      values[library.name] = await evaluateApart(library, patient, service, parameters, now);
    }
    results.push(values);
  }
}
for (let round = -(request.warmUp ?? 0); round < (request.rounds ?? 0); round++) {
  const start = process.cpuUsage();
  await evaluateAll();
  const used = process.cpuUsage(start);
  if (round >= 0) seconds.push((used.user + used.system) / 1e6);
}
answer(JSON.stringify({ results, seconds }));
