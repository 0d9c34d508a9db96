/**
 * Translates CQL libraries to ELM with the official translator, many in one process (loading it costs seconds).
 *
 * Input (JSON on stdin):  { "libraries": [ { "path": file to translate, or "text": its source,
 *                                            "folders": [folders in which its includes are looked up, in order] } ] }
 * Output (JSON on stdout): { "translator": version,
 *                            "libraries": [ { "path", "elm": library or null, "problems": [problem] } ] }
 * A problem is { severity: "error" | "warning" | "info", library, line, column, message }.
 *
 * Exit code 0 also when a source has errors: the caller decides what they mean. Anything else is a fault of this tool.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { SystemModelInfoProvider } from "@cqframework/cql/cql";
import {
  CqlCompilerOptions,
  CqlTranslator,
  LibraryBuilder,
  LibraryManager,
  ModelManager,
  createLibrarySourceProvider,
  createModelInfoProvider,
  createUcumService,
  stringAsSource,
} from "@cqframework/cql/cql-to-elm";
import ucumPackage from "@lhncbc/ucum-lhc";

const require = createRequire(import.meta.url);
const FHIR_MODEL_INFO = "cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml";

/** What the rule engine needs: tags (annotations), source spans, static types and the overload of every call. */
function compilerOptions() {
  const { EnableAnnotations, EnableLocators, EnableResultTypes, EnableDetailedErrors } = CqlCompilerOptions.Options;
  const options = new CqlCompilerOptions();
  options.setOptions([EnableAnnotations, EnableLocators, EnableResultTypes, EnableDetailedErrors]);
  options.signatureLevel = LibraryBuilder.SignatureLevel.All;
  options.compatibilityLevel = "1.5";
  return options;
}

/** The System and FHIR 4.0.1 models, read once for all libraries. */
function modelManager() {
  const fhir = fs.readFileSync(require.resolve(FHIR_MODEL_INFO), "utf8");
  const manager = new ModelManager();
  manager.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
  manager.modelInfoLoader.registerModelInfoProvider(
    createModelInfoProvider((name, system, version) =>
      name === "FHIR" && (version == null || version === "4.0.1") ? stringAsSource(fhir) : null,
    ),
  );
  return manager;
}

/** The translator asks for units only to check that a literal's unit is valid UCUM; it never computes with them. */
function unitService() {
  const ucum = ucumPackage.UcumLhcUtils.getInstance();
  const unused = () => {
    throw new Error("unit arithmetic is not part of translation");
  };
  const validate = (unit) => {
    const result = ucum.validateUnitString(unit);
    return result.status === "valid" ? null : (result.msg ?? []).join("; ") || `${unit} is no UCUM unit`;
  };
  return createUcumService(unused, validate, unused, unused);
}

/** One library manager per list of folders: equal names in two policies never meet. */
function libraryManagers(models, units) {
  const managers = new Map();
  return (folders) => {
    const key = folders.join("\n");
    if (!managers.has(key)) {
      const manager = new LibraryManager(models, compilerOptions(), undefined, units);
      manager.librarySourceLoader.registerProvider(
        createLibrarySourceProvider((name) => {
          const file = folders.map((folder) => path.join(folder, `${name}.cql`)).find((each) => fs.existsSync(each));
          return file ? stringAsSource(fs.readFileSync(file, "utf8")) : null;
        }),
      );
      managers.set(key, manager);
    }
    return managers.get(key);
  };
}

/** Takes the translator's messages out of the ELM (they are no part of the library) and returns them. */
function takeProblems(library) {
  const isProblem = (annotation) => annotation.type?.endsWith("CqlToElmError");
  const annotations = library.annotation ?? [];
  library.annotation = annotations.filter((annotation) => !isProblem(annotation));
  return annotations.filter(isProblem).map((annotation) => ({
    severity: annotation.errorSeverity ?? "error",
    library: annotation.libraryId ?? library.identifier?.id ?? null,
    line: annotation.startLine ?? null,
    column: annotation.startChar ?? null,
    message: annotation.message,
  }));
}

/** Errors that the translator reported without writing them into the ELM. */
function missedProblems(exceptions, known) {
  const messages = new Set(known.map((problem) => problem.message));
  return exceptions
    .filter((exception) => !messages.has(exception.message))
    .map((exception) => ({
      severity: exception.severity?.name?.toLowerCase() ?? "error",
      library: null,
      line: null,
      column: null,
      message: exception.message ?? String(exception),
    }));
}

function translate(source, managerFor) {
  const text = source.text ?? fs.readFileSync(source.path, "utf8");
  try {
    const translator = CqlTranslator.fromText(text, managerFor(source.folders ?? []));
    const elm = JSON.parse(translator.toJson());
    const problems = takeProblems(elm.library);
    problems.push(...missedProblems([...translator.exceptions.asJsReadonlyArrayView()], problems));
    return { path: source.path, elm, problems };
  } catch (error) {
    const problem = { severity: "error", library: null, line: null, column: null, message: error.message ?? String(error) };
    return { path: source.path, elm: null, problems: [problem] };
  }
}

// Standard output carries the answer alone: whatever the translator logs goes to standard error.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

const request = JSON.parse(fs.readFileSync(0, "utf8"));
const managerFor = libraryManagers(modelManager(), unitService());
const translatorPackage = path.join(import.meta.dirname, "node_modules", "@cqframework", "cql", "package.json");
answer(
  JSON.stringify({
    translator: JSON.parse(fs.readFileSync(translatorPackage, "utf8")).version,
    libraries: request.libraries.map((source) => translate(source, managerFor)),
  }),
);
