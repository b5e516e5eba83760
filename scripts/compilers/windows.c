// A Windows program that compiles HLSL as wgpu's Direct3D 12 back end does: with FXC (d3dcompiler_47.dll) or DXC
// (dxcompiler.dll). Each line of its input is a profile, a space and a file's path. For each it prints a line: `ok` or
// `error`, milliseconds of processor time, bytes of code, and what the compiler had to say.
#define COBJMACROS
#define INITGUID
#include <d3dcompiler.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

// The parts of dxcapi.h that are used here, which mingw does not bring.
DEFINE_GUID(CLSID_DxcCompiler, 0x73e22d93, 0xe6ce, 0x47f3, 0xb5, 0xbf, 0xf0, 0x66, 0x4f, 0x39, 0xc1, 0xb0);
DEFINE_GUID(IID_IDxcCompiler3, 0x228b4687, 0x5a6a, 0x4730, 0x90, 0x0c, 0x97, 0x02, 0xb2, 0x20, 0x3f, 0x54);
DEFINE_GUID(IID_IDxcResult, 0x58346cda, 0xdde7, 0x4497, 0x94, 0x61, 0x6f, 0x87, 0xaf, 0x5e, 0x06, 0x59);

typedef struct {
    const void *text;
    SIZE_T size;
    UINT encoding;
} DxcBuffer;

typedef struct IDxcResult IDxcResult;
struct IDxcResult {
    struct {
        HRESULT(WINAPI *QueryInterface)(IDxcResult *, REFIID, void **);
        ULONG(WINAPI *AddRef)(IDxcResult *);
        ULONG(WINAPI *Release)(IDxcResult *);
        HRESULT(WINAPI *GetStatus)(IDxcResult *, HRESULT *);
        HRESULT(WINAPI *GetResult)(IDxcResult *, ID3DBlob **);
        HRESULT(WINAPI *GetErrorBuffer)(IDxcResult *, ID3DBlob **);
    } *table;
};

typedef struct IDxcCompiler3 IDxcCompiler3;
struct IDxcCompiler3 {
    struct {
        HRESULT(WINAPI *QueryInterface)(IDxcCompiler3 *, REFIID, void **);
        ULONG(WINAPI *AddRef)(IDxcCompiler3 *);
        ULONG(WINAPI *Release)(IDxcCompiler3 *);
        HRESULT(WINAPI *Compile)(IDxcCompiler3 *, const DxcBuffer *, LPCWSTR *, UINT, void *, REFIID, void **);
    } *table;
};

typedef HRESULT(WINAPI *DxcCreate)(REFIID of, REFIID as, void **object);

static pD3DCompile fxc;
static IDxcCompiler3 *dxc;

// Either compiler, from a file's path.
static int load(const char *path) {
    HMODULE library = LoadLibraryA(path);
    if (!library) {
        fprintf(stderr, "%s cannot be loaded: error %lu\n", path, GetLastError());
        return 0;
    }
    fxc = (pD3DCompile)(void *)GetProcAddress(library, "D3DCompile");
    DxcCreate create = (DxcCreate)(void *)GetProcAddress(library, "DxcCreateInstance");
    if (create) {
        create(&CLSID_DxcCompiler, &IID_IDxcCompiler3, (void **)&dxc);
    }
    return fxc || dxc;
}

static HRESULT with_dxc(const char *text, size_t size, const char *profile, ID3DBlob **code, ID3DBlob **message) {
    WCHAR wide[16];
    MultiByteToWideChar(CP_UTF8, 0, profile, -1, wide, 16);
    LPCWSTR arguments[] = {L"-E",  L"main",         L"-T",   wide,
                           L"-HV", L"2018",         L"-no-warnings", L"-Ges", L"-enable-16bit-types"};
    DxcBuffer buffer = {text, size, CP_UTF8};
    IDxcResult *result = NULL;
    HRESULT status = dxc->table->Compile(dxc, &buffer, arguments, ARRAYSIZE(arguments), NULL, &IID_IDxcResult, (void **)&result);
    if (!result) {
        return status;
    }
    result->table->GetStatus(result, &status);
    result->table->GetResult(result, code);
    result->table->GetErrorBuffer(result, message);
    result->table->Release(result);
    return status;
}

static double processor_ms(void) {
    FILETIME created, ended, kernel, user;
    GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user);
    ULARGE_INTEGER k = {{kernel.dwLowDateTime, kernel.dwHighDateTime}}, u = {{user.dwLowDateTime, user.dwHighDateTime}};
    return (double)(k.QuadPart + u.QuadPart) / 1e4;
}

// A whole file, with its size.
static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    *size = ftell(file);
    rewind(file);
    char *text = malloc(*size + 1);
    *size = fread(text, 1, *size, file);
    fclose(file);
    return text;
}

// The message in one line.
static void print_message(ID3DBlob *message) {
    if (!message) {
        return;
    }
    const char *text = ID3D10Blob_GetBufferPointer(message);
    size_t size = ID3D10Blob_GetBufferSize(message);
    for (size_t i = 0; i < size && i < 1000 && text[i]; i++) {
        putchar(text[i] == '\n' || text[i] == '\r' || text[i] == '\t' ? ' ' : text[i]);
    }
}

int main(int count, char **arguments) {
    if (count != 2 || !load(arguments[1])) {
        fprintf(stderr, "usage: windows.exe d3dcompiler_47.dll|dxcompiler.dll\n");
        return 2;
    }
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        char *profile = strtok(line, " "), *path = strtok(NULL, "");
        size_t size = 0;
        char *text = path ? read_file(path, &size) : NULL;
        ID3DBlob *code = NULL, *message = NULL;
        double begin = processor_ms();
        HRESULT status = E_INVALIDARG;
        if (text && dxc) {
            status = with_dxc(text, size, profile, &code, &message);
        } else if (text) {
            status = fxc(text, size, NULL, NULL, NULL, "main", profile, D3DCOMPILE_ENABLE_STRICTNESS, 0, &code, &message);
        }
        double end = processor_ms();
        printf("%s\t%.1f\t%u\t", FAILED(status) ? "error" : "ok", end - begin, code ? (unsigned)ID3D10Blob_GetBufferSize(code) : 0);
        print_message(message);
        printf("\n");
        fflush(stdout);
        free(text);
        if (code) {
            ID3D10Blob_Release(code);
        }
        if (message) {
            ID3D10Blob_Release(message);
        }
    }
    return 0;
}
